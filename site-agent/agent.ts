// One agent: its identity, its link to the control plane, and the two roles behind it. Names no adapter.
import type { Delivery } from "../shared/protocol/frames.ts";
import type { HostDocument } from "../shared/protocol/host-document.ts";
import { operationKind } from "../shared/protocol/operation.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { ConnectCluster, KubernetesApi } from "./cluster/port.ts";
import { startConversion } from "./cluster/conversion/start-conversion.ts";
import { startCluster, type RunningCluster } from "./compose-cluster.ts";
import { startSite, type RunningSite, type SitePorts } from "./compose-site.ts";
import type { AgentConfig } from "./config.ts";
import type { DeliveryOutcome, SessionEvents } from "./link/connection.ts";
import { prepareDatabase } from "./link/database.ts";
import { makeDocuments, type Documents } from "./link/documents.ts";
import { obtainIdentity, type ObtainDeps } from "./link/enrolment/obtain-identity.ts";
import { makeJournal } from "./link/journal.ts";
import { makeLease } from "./link/lease.ts";
import { makeSteadyClock } from "./link/memory/steady-clock.ts";
import { makeGuardMemory } from "./link/memory/guard-memory.ts";
import { makeLoginMemory } from "./link/memory/login-memory.ts";
import { makeObservations } from "./link/observations.ts";
import { makeLinkSession } from "./link/session.ts";
import type { AgentDatabase, DuplexClient, Files, Log, MachineBoot } from "./ports.ts";

export const programVersion = "0.1.0";

export interface AgentPorts extends SitePorts, ObtainDeps {
  readonly database: AgentDatabase;
  readonly duplex: DuplexClient;
  /** Absent when the configuration names no cluster. */
  readonly kubernetes: KubernetesApi | undefined;
  readonly connectCluster: ConnectCluster;
  /** Undefined where the system does not tell. */
  readonly machineBoot: MachineBoot | undefined;
}

/** Runs until the signal aborts. A failure is one that a person must mend. */
export async function runAgent(
  ports: AgentPorts,
  config: AgentConfig,
  signal: AbortSignal,
): Promise<Result<void, "start">> {
  // Before anything that needs the hub: without it, older versions of objects could not even be read.
  const conversion = await startConversion(ports, config);
  if (!conversion.ok) return conversion;
  const ended = await runLinked(ports, config, signal);
  await conversion.value?.stop();
  return ended;
}

async function runLinked(
  ports: AgentPorts,
  config: AgentConfig,
  signal: AbortSignal,
): Promise<Result<void, "start">> {
  prepareDatabase(ports.database);
  const ca = await readCa(ports.files, config.hub.caFile);
  if (!ca.ok) return ca;
  const { enrolTokenFile } = config;
  const identity = await obtainIdentity(ports, { enrolTokenFile, caPem: ca.value, programVersion });
  if (!identity.ok) return err("start", identity.error.message);
  const { clock, crypto, log, database } = ports;
  const bootId = crypto.randomUuid();
  const state = {
    identity: identity.value,
    documents: makeDocuments(database, crypto),
    journal: makeJournal(database),
    observations: makeObservations(database, clock, bootId),
    lease: makeLease(clock),
    unconfirmed: new Set<string>(),
    steady: makeSteadyClock(database, clock, ports.machineBoot),
    loginMemory: makeLoginMemory(database, log),
    guardMemory: makeGuardMemory(database, log),
  };
  // A CA that the configuration names may be newer than the one of the enrolment.
  const caPem = ca.value ?? identity.value.caPem;
  const site =
    config.site === undefined
      ? ok(undefined)
      : await startSite(ports, state, { ...config.site, stateDirectory: config.stateDirectory });
  if (!site.ok) return site;
  const cluster =
    ports.kubernetes === undefined
      ? undefined
      : startCluster(
          { ...ports, api: ports.kubernetes, lease: state.lease },
          {
            feedUrl: config.hub.feedUrl ?? config.hub.url,
            caPem,
            openShift: config.cluster?.openShift,
          },
        );
  const session = makeLinkSession({
    ...state,
    duplex: ports.duplex,
    clock,
    crypto,
    log,
    bootId,
    caPem,
    events: sessionEvents({ documents: state.documents, site: site.value, cluster, log }),
    hubUrl: config.hub.url,
    programVersion,
    capabilities: config.site === undefined ? [] : operationKind.options,
  });
  const endWork = endOnce(site.value, cluster);
  await session.run(signal, endWork);
  await endWork();
  return ok(undefined);
}

function endOnce(site: RunningSite | undefined, cluster: RunningCluster | undefined) {
  let ending: Promise<void> | undefined;
  return async () => {
    cluster?.stop();
    ending ??= site?.stop();
    await ending;
  };
}

async function readCa(
  files: Files,
  caFile: string | undefined,
): Promise<Result<string | undefined, "start">> {
  if (caFile === undefined) return ok(undefined);
  const file = await files.readFile(caFile);
  return file.ok
    ? ok(new TextDecoder().decode(file.value))
    : err("start", `hub.caFile ${caFile} cannot be read: ${file.error.message}`);
}

interface Roles {
  readonly documents: Documents;
  readonly site: RunningSite | undefined;
  readonly cluster: RunningCluster | undefined;
  readonly log: Log;
}

function sessionEvents(roles: Roles): SessionEvents {
  return {
    welcome(welcome) {
      const { unknownWorkMs, leaseTtlMs } = welcome;
      // Whoever it was may have begun something until its lease ran out.
      if (unknownWorkMs !== undefined) roles.site?.othersWorked(unknownWorkMs - leaseTtlMs);
      roles.cluster?.welcome(welcome);
    },
    sites: (sites) => roles.cluster?.sites(sites),
    deliver: (_id, delivery) => deliver(roles, delivery),
    forget(hostUid) {
      roles.documents.forget(hostUid);
      roles.site?.forgetHost(hostUid);
    },
    giveUp: (operationId) => roles.site?.dispatcher.cancel(operationId),
  };
}

async function deliver(roles: Roles, delivery: Delivery): Promise<DeliveryOutcome> {
  const { documents, site, cluster } = roles;
  switch (delivery.kind) {
    case "document":
      return storeDocument(roles, delivery.document);
    case "remove-document":
      if (documents.remove(delivery.hostUid, delivery.revision).ok)
        site?.forgetHost(delivery.hostUid);
      return { ok: true };
    case "operation":
      if (site === undefined) return refusal("this agent has no site");
      if (!site.dispatcher.makeWayFor(delivery.operation)) return isAtWork;
      site.dispatcher.accept(delivery.operation);
      return { ok: true };
    case "cancel":
      site?.dispatcher.cancel(delivery.operationId);
      return { ok: true };
    case "write":
      return cluster === undefined
        ? refusal("this agent has no cluster")
        : await cluster.write(delivery.write);
  }
}

const isAtWork = { ok: false, message: "an older operation is at work", retry: true } as const;

/** A ramdisk that runs was booted by the BMC and the MAC of then: it need not be this host's any more. */
function storeDocument({ documents, site, log }: Roles, document: HostDocument): DeliveryOutcome {
  const { hostUid } = document;
  const before = documents.get(hostUid)?.spec;
  const stored = documents.store(document);
  if (stored.ok) {
    const { bmcAddress, bootMACAddress } = document.spec;
    const isMoved = before?.bmcAddress !== bmcAddress || before.bootMACAddress !== bootMACAddress;
    if (isMoved) site?.forgetHost(hostUid);
    return { ok: true };
  }
  if (stored.error.kind === "old") return { ok: true };
  log.error("document refused", { host: hostUid, reason: stored.error.message });
  return refusal(stored.error.message);
}

function refusal(message: string): DeliveryOutcome {
  return { ok: false, message, retry: false };
}

// One agent: its identity, its link to the control plane, and the two roles behind it. Names no adapter.
import type { Delivery } from "../shared/protocol/frames.ts";
import { operationKind } from "../shared/protocol/operation.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { toHex } from "../shared/bytes.ts";
import type { KubernetesApi } from "./cluster/port.ts";
import { startCluster, type RunningCluster } from "./compose-cluster.ts";
import { startSite, type RunningSite, type SitePorts } from "./compose-site.ts";
import type { AgentConfig } from "./config.ts";
import { prepareDatabase, readSetting } from "./link/database.ts";
import { makeDocuments, type Documents } from "./link/documents.ts";
import { enrol, loadIdentity, parseEnrolToken, type Identity } from "./link/identity.ts";
import { makeJournal } from "./link/journal.ts";
import { makeLease } from "./link/lease.ts";
import { makeObservations } from "./link/observations.ts";
import { makeLinkSession, type SessionEvents } from "./link/session.ts";
import type { AgentDatabase, DuplexClient, Log } from "./ports.ts";

export const programVersion = "0.1.0";

export interface AgentPorts extends SitePorts {
  readonly database: AgentDatabase;
  readonly duplex: DuplexClient;
  /** Absent when the configuration names no cluster. */
  readonly kubernetes: KubernetesApi | undefined;
  readonly hostname: string;
  /** The private CA that an enrolment token names by its fingerprint. */
  findCa(url: string, fingerprint: string): Promise<Result<string, string>>;
}

/** Runs until the signal aborts. A failure is one that a person must mend. */
export async function runAgent(
  ports: AgentPorts,
  config: AgentConfig,
  signal: AbortSignal,
): Promise<Result<void, "start">> {
  prepareDatabase(ports.database);
  const identity = await identityOf(ports, config);
  if (!identity.ok) return err("start", identity.error.message);
  const { clock, crypto, log, database } = ports;
  const bootId = crypto.randomUuid();
  const state = {
    identity: identity.value,
    documents: makeDocuments(database, crypto),
    journal: makeJournal(database),
    observations: makeObservations(database, clock, bootId),
    lease: makeLease(clock),
  };
  const site =
    config.site === undefined
      ? ok(undefined)
      : await startSite(ports, state, { ...config.site, stateDirectory: config.stateDirectory });
  if (!site.ok) return site;
  const cluster =
    ports.kubernetes === undefined
      ? undefined
      : startCluster(
          { ...ports, api: ports.kubernetes },
          { feedUrl: config.hub.feedUrl ?? config.hub.url, caPem: identity.value.caPem },
        );
  const session = makeLinkSession({
    ...state,
    duplex: ports.duplex,
    clock,
    crypto,
    log,
    bootId,
    events: sessionEvents({ documents: state.documents, site: site.value, cluster, log }),
    hubUrl: config.hub.url,
    programVersion,
    capabilities: config.site === undefined ? [] : operationKind.options,
  });
  await session.run(signal);
  cluster?.stop();
  await site.value?.stop();
  return ok(undefined);
}

interface Roles {
  readonly documents: Documents;
  readonly site: RunningSite | undefined;
  readonly cluster: RunningCluster | undefined;
  readonly log: Log;
}

function sessionEvents(roles: Roles): SessionEvents {
  return {
    welcome: (welcome) => roles.cluster?.welcome(welcome),
    sites: (sites) => roles.cluster?.sites(sites),
    deliver: (_id, delivery) => deliver(roles, delivery),
  };
}

async function deliver(
  { documents, site, cluster, log }: Roles,
  delivery: Delivery,
): ReturnType<SessionEvents["deliver"]> {
  switch (delivery.kind) {
    case "document": {
      const stored = documents.store(delivery.document);
      if (stored.ok || stored.error.kind === "old") return { ok: true };
      log.error("document refused", {
        host: delivery.document.hostUid,
        reason: stored.error.message,
      });
      return { ok: false, message: stored.error.message, retry: false };
    }
    case "remove-document":
      documents.remove(delivery.hostUid, delivery.revision);
      site?.forgetHost(delivery.hostUid);
      return { ok: true };
    case "operation":
      if (site === undefined) return { ok: false, message: "this agent has no site", retry: false };
      site.dispatcher.accept(delivery.operation);
      return { ok: true };
    case "cancel":
      site?.dispatcher.cancel(delivery.operationId);
      return { ok: true };
    case "write":
      if (cluster === undefined)
        return { ok: false, message: "this agent has no cluster", retry: false };
      return await cluster.write(delivery.write);
  }
}

/** The stored identity; or, with a token that was not used yet, a new one. */
async function identityOf(
  ports: AgentPorts,
  config: AgentConfig,
): Promise<Result<Identity, string>> {
  const stored = loadIdentity(ports.database);
  const { enrolTokenFile } = config;
  const file =
    enrolTokenFile === undefined ? undefined : await ports.files.readFile(enrolTokenFile);
  if (file?.ok !== true) {
    if (stored !== undefined) return ok(stored);
    return err(
      "token",
      `This agent has no identity yet: write the output of "npm run admin -- token create" into a file and name it as enrolTokenFile.`,
    );
  }
  const hash = ports.crypto.hash("sha256");
  hash.update(file.value);
  const tokenDigest = toHex(hash.digest());
  if (stored !== undefined && readSetting(ports.database, "token") === tokenDigest)
    return ok(stored);
  const token = parseEnrolToken(new TextDecoder().decode(file.value));
  if (!token.ok) return token;
  const ca = await caOf(ports, config, token.value);
  if (!ca.ok) return ca;
  const about = { hostname: ports.hostname, programVersion, caPem: ca.value, tokenDigest };
  const enrolled = await enrol(ports, token.value, about);
  if (enrolled.ok) ports.log.info("enrolled", { agent: enrolled.value.agentId });
  return enrolled;
}

async function caOf(
  ports: AgentPorts,
  config: AgentConfig,
  token: { readonly url: string; readonly ca?: string | undefined },
): Promise<Result<string | undefined, string>> {
  const { caFile } = config.hub;
  if (caFile !== undefined) {
    const file = await ports.files.readFile(caFile);
    return file.ok
      ? ok(new TextDecoder().decode(file.value))
      : err("config", `hub.caFile ${caFile} cannot be read: ${file.error.message}`);
  }
  return token.ca === undefined ? ok(undefined) : await ports.findCa(token.url, token.ca);
}

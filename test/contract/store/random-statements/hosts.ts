// Random statements about hosts: what decisions commit, what agents report, what admission and operators read.
import type { HostCommit, OutboxRow } from "../../../../control-plane/ports.ts";
import type { Claim } from "../../../../shared/host/decision.ts";
import type { HostMemory } from "../../../../shared/host/snapshot.ts";
import type { Delivery } from "../../../../shared/protocol/frames.ts";
import type { HostDocument } from "../../../../shared/protocol/host-document.ts";
import type { ObservationBody } from "../../../../shared/protocol/observation.ts";
import { memoryOf, newOperation } from "../../../support/control-plane/store-world.ts";
import type { OperationRow, StoredHostRow } from "../../../simulation/store/rows.ts";
import {
  annotationNames,
  choose,
  clusters,
  hostUids,
  namespaces,
  numberOf,
  rowOf,
  sessionOf,
  sites,
  textOf,
  type Draw,
  type Statement,
} from "./draw.ts";
import { turnOf } from "./links.ts";

export function commitHost(draw: Draw): Statement {
  const { random } = draw;
  const host = rowOf(draw, draw.tables.hosts);
  const commit = commitOf(draw, host);
  // Two decisions from one snapshot: the second is stale.
  const isTwice = random.chance(0.1);
  return {
    name: "commitHost",
    given: { commit, isTwice },
    run: async (store) =>
      isTwice
        ? [await store.commitHost(commit), await store.commitHost(commit)]
        : await store.commitHost(commit),
  };
}

function commitOf(draw: Draw, host: StoredHostRow | undefined): HostCommit {
  const { random } = draw;
  const uid = host?.uid ?? "nobody";
  const open = [...draw.tables.operations.values()].find(
    (row) => row.host_uid === uid && !row.consumed,
  );
  const sometimes = <T>(probability: number, value: T): T | undefined =>
    random.chance(probability) ? value : undefined;
  const decided = memory(draw);
  return {
    uid,
    version: (host?.version ?? 1) - Number(random.chance(0.05)),
    memory: decided,
    site: siteOf(draw, host),
    document: sometimes(0.6, document(draw, uid)),
    claims: sometimes(0.8, claims(draw)),
    blocked: random.chance(0.2),
    operation: sometimes(0.4, operation(draw, uid)),
    cancel: sometimes(0.3, open?.id),
    consumed: consumedBy(draw, open),
    outbox: [
      ...Array.from({ length: random.below(5) }, () => outboxRow(draw, uid, open)),
      ...(host !== undefined && random.chance(0.4) ? [statusRow(host, decided)] : []),
    ],
    wakeAtMs: sometimes(0.5, draw.nowMs() + random.below(100_000)),
    gone: random.chance(0.06),
  };
}

/** Mostly where it is; rarely a site that does not exist. */
function siteOf(draw: Draw, host: StoredHostRow | undefined): string | undefined {
  const { random } = draw;
  if (random.chance(0.03)) return "nowhere";
  return random.chance(0.7) ? (host?.site ?? "lab") : choose(draw, [undefined, ...sites]);
}

function consumedBy(draw: Draw, open: OperationRow | undefined): string | undefined {
  const { random } = draw;
  const isEnded = open?.state === "succeeded" || open?.state === "failed";
  if (random.chance(0.03)) return rowOf(draw, draw.tables.operations)?.id;
  return random.chance(isEnded ? 0.8 : 0.15) ? open?.id : undefined;
}

function memory(draw: Draw): HostMemory {
  const { random } = draw;
  const base = memoryOf(random.pick(["registering", "available", "provisioned"]));
  return {
    ...base,
    status: {
      ...base.status,
      errorMessage: random.chance(0.5) ? "" : textOf(draw),
      poweredOn: random.chance(0.5),
      ...(random.chance(0.8) ? { lastUpdated: atTime.lastTransitionTime } : {}),
      ...(random.chance(0.3) ? inventory : {}),
    },
    ...(random.chance(0.3) ? { identity: { systemUuid: textOf(draw), macs: [] } } : {}),
    ...(random.chance(0.7) ? { power: random.chance(0.8) ? { on: random.chance(0.5) } : {} } : {}),
    allocation: textOf(draw),
    ...(random.chance(0.5) ? { notBeforeMs: numberOf(draw) } : {}),
    ...(random.chance(0.5) ? { taken: annotationNames.filter(() => random.chance(0.6)) } : {}),
  };
}

const atTime = { lastTransitionTime: "2026-11-30T00:00:00Z", reason: "Why", message: "so" };
const inventory = {
  hardware: { hostname: "one", nics: [{ name: "eth0", ip: "192.0.2.7" }], ramMebibytes: 1 },
  conditions: [
    { type: "Ready", status: "True" as const, ...atTime },
    { type: "farrier.dev/Operation", status: "True" as const, ...atTime },
  ],
};

function document(draw: Draw, hostUid: string): HostDocument {
  const { random } = draw;
  const revision = random.between(1, 3);
  const [cluster, namespace] = [random.pick(clusters), random.pick(namespaces)];
  const hold = {
    paused: random.chance(0.2),
    detached: false,
    externallyProvisioned: false,
    disablePowerOff: false,
  };
  return {
    hostUid,
    revision,
    hash: `hash-${revision}`,
    spec: {
      cluster,
      namespace,
      name: "n",
      bmcAddress: textOf(draw),
      bootMode: "UEFI",
      hold,
      allocation: "",
    },
  };
}

function claims({ random }: Draw): readonly Claim[] {
  const claim = (kind: Claim["kind"]): Claim => ({ kind, value: `${kind}-${random.below(4)}` });
  const wanted = [
    ...(random.chance(0.6) ? [claim("bmc")] : []),
    ...(random.chance(0.6) ? [claim("mac")] : []),
  ];
  const [first] = wanted;
  return first !== undefined && random.chance(0.03) ? [...wanted, first] : wanted;
}

function operation(draw: Draw, uid: string): NonNullable<HostCommit["operation"]> {
  const { random } = draw;
  const known = rowOf(draw, draw.tables.operations)?.id;
  const id = known !== undefined && random.chance(0.05) ? known : `${uid}.${draw.next()}`;
  const site = random.pick(sites);
  // An id may not be what its host is called after.
  return newOperation(uid, id, {
    class: random.pick(["observe", "once"]),
    site,
    atMs: draw.nowMs() + random.pick([0, 0, 500]),
  });
}

/** As decisions write it. */
function statusRow({ cluster, namespace, name, uid }: StoredHostRow, { status }: HostMemory) {
  return {
    link: `cluster:${cluster}`,
    key: `status:${uid}:${status.provisioning.state}`,
    hostUid: uid,
    delivery: { kind: "write", write: { kind: "status", namespace, name, uid, status } },
  } satisfies OutboxRow;
}

function outboxRow(draw: Draw, hostUid: string, open: OperationRow | undefined): OutboxRow {
  const { random } = draw;
  const link = random.chance(0.5)
    ? (`site:${random.pick(sites)}` as const)
    : (`cluster:${random.pick(clusters)}` as const);
  const operationId = open?.id ?? `${hostUid}.0`;
  const key = choose(draw, [
    undefined,
    `status:${hostUid}:${random.below(2)}`,
    `status:${hostUid}:${random.below(2)}`,
    `document:${hostUid}`,
    `operation:${operationId}`,
    `cancel:${operationId}`,
    `write:${hostUid}`,
  ]);
  return { link, key, hostUid, delivery: deliveryOf(draw, { key, hostUid, operationId }) };
}

function deliveryOf(
  draw: Draw,
  row: {
    readonly key: string | undefined;
    readonly hostUid: string;
    readonly operationId: string;
  },
): Delivery {
  const { random } = draw;
  const { key, hostUid, operationId } = row;
  const target = { namespace: "metal", name: "n", uid: hostUid };
  if (key?.startsWith("status:") === true) {
    const { status } = memoryOf("available");
    const errorMessage = random.pick(["", "nul \0", "other"]);
    return {
      kind: "write",
      write: { kind: "status", ...target, status: { ...status, errorMessage } },
    };
  }
  if (key?.startsWith("write:") === true) {
    const removeAnnotations = annotationNames.filter(() => random.chance(0.5));
    return { kind: "write", write: { kind: "metadata", ...target, removeAnnotations } };
  }
  if (key?.startsWith("cancel:") === true) return { kind: "cancel", hostUid, operationId };
  if (random.chance(0.5)) return { kind: "document", document: document(draw, hostUid) };
  return { kind: "remove-document", hostUid, revision: random.between(1, 2) };
}

export function acceptObservations(draw: Draw): Statement {
  const { random } = draw;
  const session = sessionOf(draw);
  const { agent_id: agentId, epoch, committed_seq: committed } = session;
  const turn = turnOf(draw, session);
  const from = Math.max(1, committed + 1 - random.below(3));
  const items = Array.from({ length: random.below(6) }, (_, index) => ({
    seq: from + index + (random.chance(0.02) ? 100 : 0),
    atMs: draw.nowMs() + random.pick([0, 0.5, -5_000, 5_000, -1e12]),
    body: observed(draw, agentId),
  }));
  const distinct = [...new Map(items.map((item) => [item.seq, item])).values()];
  const given = random.chance(0.2) ? distinct.toReversed() : distinct;
  return {
    name: "acceptObservations",
    given: { agentId, epoch, turn, items: given },
    run: (store) => store.acceptObservations({ agentId, epoch, turn }, given),
  };
}

function observed(draw: Draw, agentId: string): ObservationBody {
  const { random, tables } = draw;
  const site = tables.agents.get(agentId)?.site;
  const ofSite = [...tables.operations.values()].filter((row) => row.site === site);
  const near = ofSite.filter(({ consumed }) => !consumed);
  // Of work that failed before it changed anything more may be heard.
  const failed = ofSite.filter(({ failure }) => failure?.destroyed === false);
  const some = failed.length > 0 && random.chance(0.5) ? failed : near;
  const row =
    some.length > 0 && random.chance(0.9) ? random.pick(some) : rowOf(draw, tables.operations);
  const own = [...tables.hosts.values()].filter((host) => host.site === site);
  const hostUid =
    own.length > 0 && random.chance(0.8) ? random.pick(own).uid : random.pick(hostUids);
  if (row === undefined || random.chance(0.4)) return aboutHost(draw, hostUid);
  const named = {
    hostUid: random.chance(0.95) ? row.host_uid : hostUid,
    operationId: random.chance(0.95) ? row.id : "unknown",
  };
  return aboutOperation(draw, named);
}

function aboutHost(draw: Draw, hostUid: string): ObservationBody {
  const { random } = draw;
  const power: ObservationBody = { kind: "power", hostUid, on: random.chance(0.5) };
  return random.pick<ObservationBody>([
    power,
    power,
    { kind: "bmc", hostUid, problem: textOf(draw) },
    { kind: "bmc", hostUid },
    { kind: "stranger", mac: "52:54:00:00:00:01" },
  ]);
}

function aboutOperation(
  draw: Draw,
  named: { readonly hostUid: string; readonly operationId: string },
): ObservationBody {
  const { random } = draw;
  const result = { kind: "power", on: random.chance(0.5) } as const;
  const failure = { kind: "disk", message: textOf(draw), destroyed: random.chance(0.5) } as const;
  return random.pick<ObservationBody>([
    { kind: "operation-accepted", ...named },
    { kind: "operation-accepted", ...named },
    { kind: "operation-started", ...named },
    {
      kind: "operation-progress",
      ...named,
      progress: { step: `Step${random.below(3)}`, atMs: numberOf(draw) },
    },
    { kind: "operation-succeeded", ...named, result },
    { kind: "operation-failed", ...named, failure },
  ]);
}

/** Of a host, or of one that is not there; a stale one as often. */
function versionOf(draw: Draw): { readonly uid: string; readonly version: number } {
  const host = rowOf(draw, draw.tables.hosts);
  return { uid: host?.uid ?? "nobody", version: (host?.version ?? 1) - draw.random.below(2) };
}

export function restHost(draw: Draw): Statement {
  const { uid, version } = versionOf(draw);
  return {
    name: "restHost",
    given: { uid, version },
    run: (store) => store.restHost(uid, version),
  };
}

export function forgetHost(draw: Draw): Statement {
  const { uid, version } = versionOf(draw);
  return {
    name: "forgetHost",
    given: { uid, version },
    run: (store) => store.forgetHost(uid, version),
  };
}

/** Which of those that are due at one moment are taken is open: a limit counts only where no two are. */
export function takeDue(draw: Draw): Statement {
  const { random, tables } = draw;
  const differ = [tables.hosts, tables.machines].every((table) => {
    const wakes = [...table.values()].flatMap((row) => row.wake_at ?? []);
    return new Set(wakes).size === wakes.length;
  });
  const limit = differ ? random.between(1, 3) : 100;
  const leaseMs = random.between(1, 20_000);
  return {
    name: "takeDue",
    given: { leaseMs, limit },
    run: (store) => store.takeDue(leaseMs, limit),
  };
}

export function readHosts(draw: Draw): Statement {
  const { random } = draw;
  const uid = random.pick(hostUids);
  const site = random.pick(sites);
  const wanted = [0, 1, 2, 3].flatMap((number): Claim[] => [
    { kind: "mac", value: `mac-${number}` },
    { kind: "bmc", value: `bmc-${number}` },
  ]);
  const place = {
    cluster: random.pick(clusters),
    namespace: random.pick(namespaces),
    name: `name-${random.below(5)}`,
    uid: random.chance(0.7) ? uid : undefined,
  };
  const filter = {
    cluster: random.chance(0.3) ? random.pick(clusters) : undefined,
    site: random.chance(0.3) ? site : undefined,
    afterUid: random.chance(0.3) ? uid : undefined,
  };
  const openOnly = random.chance(0.3);
  return {
    name: "reads of hosts",
    given: { uid, site, place, filter, openOnly },
    run: async (store) => [
      await store.loadHost(uid),
      await store.surroundings(place),
      await store.claimants(site, wanted, place.uid),
      await store.listHosts(filter),
      await store.listOperations({ hostUid: place.uid, openOnly }),
    ],
  };
}

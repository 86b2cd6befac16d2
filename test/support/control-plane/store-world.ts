// A store with a cluster, a site and agents in it, and short words for what tests do to it. Judges nothing.
import type { HostMemory } from "../../../shared/host/snapshot.ts";
import type { FeedObject } from "../../../shared/protocol/feed.ts";
import type { Observation, ObservationBody } from "../../../shared/protocol/observation.ts";
import type {
  FeedOutcome,
  HostCommit,
  NewOperation,
  OpenedSession,
  OutboxRow,
  Store,
} from "../../../control-plane/ports.ts";
import type { Database } from "../../../control-plane/store/database.ts";
import { makeStore } from "../../../control-plane/store/make-store.ts";
import type { TableName } from "../../simulation/store/rows.ts";
import { makeManualClock, type ManualClock } from "./manual-clock.ts";
import type { PlainRow, StoreTier } from "./store-tier.ts";

export const emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export interface AgentOptions {
  readonly site?: string;
  readonly cluster?: string;
}

interface OpenOptions {
  readonly bootId?: string;
  readonly counter?: number;
  readonly digest?: string;
  readonly inFlight?: readonly string[];
  readonly tellsCaughtUp?: boolean;
  readonly heard?: { readonly epoch: number; readonly turn: number };
}

/** Of a site and a cluster that there are. */
export async function enrolAgent(store: Store, id: string, { site, cluster }: AgentOptions) {
  const tokenHash = `token-of-${id}`;
  await store.addToken({ hash: tokenHash, site, cluster, ttlMs: 60_000, autoApprove: true });
  return await store.enrol({
    tokenHash,
    id,
    signingKey: `signing-${id}`,
    sealingKey: `sealing-${id}`,
    sealingFingerprint: `fingerprint-${id}`,
    hostname: id,
    programVersion: "1",
  });
}

export class StoreWorld {
  readonly clock: ManualClock;
  readonly store: Store;
  private readonly counters = new Map<string, number>();
  private seq = 0;
  private readonly tier: StoreTier;

  constructor(tier: StoreTier) {
    this.tier = tier;
    this.clock = makeManualClock();
    this.store = tier.store(this.clock);
  }

  /** The same rows through another pool: a second instance. */
  sibling(database: Database): Store {
    return makeStore(database, this.clock);
  }

  async addAgent(id: string, options: AgentOptions): Promise<void> {
    const { site, cluster } = options;
    if (cluster !== undefined) await this.store.addCluster(cluster, `hash-of-${cluster}`);
    if (site !== undefined) await this.store.addSite(site);
    const enrolled = await enrolAgent(this.store, id, options);
    if (!enrolled.ok) throw new Error(enrolled.error.message);
  }

  open(agentId: string, options: OpenOptions = {}) {
    const counter = options.counter ?? (this.counters.get(agentId) ?? 0) + 1;
    this.counters.set(agentId, counter);
    return this.store.openSession({
      agentId,
      bootId: options.bootId ?? "boot-1",
      counter,
      instance: "test",
      tokenHash: `session-${agentId}-${counter}`,
      programVersion: "1",
      documentsDigest: options.digest ?? emptyDigest,
      inFlight: options.inFlight,
      heard: options.heard,
      tellsCaughtUp: options.tellsCaughtUp,
    });
  }

  async opened(agentId: string, options: OpenOptions = {}) {
    const session = await this.open(agentId, options);
    if (!session.ok) throw new Error(`${agentId}: ${session.error.kind}`);
    return session.value;
  }

  /** An agent "both" for site "lab" and cluster "east", and every resource listed once. */
  async start(): Promise<OpenedSession> {
    await this.addAgent("both", { site: "lab", cluster: "east" });
    const session = await this.opened("both");
    for (const resource of ["namespaces", "hardwaredata", "baremetalhosts"] as const) {
      await this.store.applyFeed(
        { agentId: "both", epoch: session.epoch, cluster: "east" },
        resource,
        { kind: "list", listId: `first-${resource}`, resourceVersion: "10", items: [], last: true },
      );
    }
    return session;
  }

  watch(
    epoch: number,
    from: string,
    events: readonly { type: "ADDED" | "MODIFIED" | "DELETED"; object: FeedObject }[],
  ): Promise<FeedOutcome> {
    const to = events.at(-1)?.object.metadata.resourceVersion ?? from;
    return this.store.applyFeed({ agentId: "both", epoch, cluster: "east" }, "baremetalhosts", {
      kind: "watch",
      fromResourceVersion: from,
      toResourceVersion: to,
      events: [...events],
    });
  }

  list(
    epoch: number,
    listId: string,
    page: {
      readonly version: string;
      readonly items: readonly FeedObject[];
      readonly last: boolean;
      readonly replaces?: string;
    },
  ): Promise<FeedOutcome> {
    return this.store.applyFeed({ agentId: "both", epoch, cluster: "east" }, "baremetalhosts", {
      kind: "list",
      listId,
      ...(page.replaces === undefined ? {} : { replaces: page.replaces }),
      resourceVersion: page.version,
      items: [...page.items],
      last: page.last,
    });
  }

  observe(agentId: string, epoch: number, ...bodies: readonly ObservationBody[]) {
    return this.store.acceptObservations({ agentId, epoch }, this.numbered(bodies));
  }

  numbered(bodies: readonly ObservationBody[]): Observation[] {
    return bodies.map((body) => ({ seq: ++this.seq, atMs: this.clock.nowMs(), body }));
  }

  /** A commit of the host's present row with nothing special in it. */
  async commit(uid: string, changes: Partial<HostCommit> = {}): Promise<HostCommit> {
    const rows = await this.store.loadHost(uid);
    if (rows === undefined) throw new Error(`no host ${uid}`);
    return {
      uid,
      version: rows.host.version,
      memory: rows.host.memory ?? memoryOf("registering"),
      site: rows.host.site ?? "lab",
      document: undefined,
      claims: [],
      blocked: false,
      operation: undefined,
      cancel: undefined,
      consumed: undefined,
      outbox: [],
      wakeAtMs: undefined,
      gone: false,
      ...changes,
    };
  }

  /** All rows of a table, in the order of its primary key. */
  table(name: TableName): Promise<readonly PlainRow[]> {
    return this.tier.table(name);
  }
}

export function hostObject(uid: string, version: string, more: object = {}): FeedObject {
  return {
    apiVersion: "metal3.io/v1alpha1",
    kind: "BareMetalHost",
    metadata: { name: `name-${uid}`, namespace: "metal", uid, resourceVersion: version },
    spec: { online: true },
    ...more,
  };
}

export function memoryOf(state: string): HostMemory {
  return {
    status: {
      errorCount: 0,
      errorMessage: "",
      operationalStatus: "OK",
      poweredOn: false,
      provisioning: { state, ID: "" },
      provisioningFailCount: 0,
    },
    revision: 1,
    documentHash: "",
    operationCount: 0,
    attempt: 0,
    allocation: "",
  };
}

/** What waits to be removed from a host of cluster east. */
export function annotationRemoval(hostUid: string, annotation: string): OutboxRow {
  const target = { namespace: "metal", name: `name-${hostUid}`, uid: hostUid };
  const write = { kind: "metadata" as const, ...target, removeAnnotations: [annotation] };
  const key = `write:${hostUid}:${annotation}`;
  return { link: "cluster:east", key, hostUid, delivery: { kind: "write", write } };
}

export function newOperation(
  hostUid: string,
  id: string,
  options: {
    readonly class?: "observe" | "once";
    readonly site?: string;
    readonly atMs?: number;
  } = {},
): NewOperation {
  return {
    site: options.site ?? "lab",
    createdAtMs: options.atMs ?? 0,
    operation: {
      id,
      hostUid,
      revision: 1,
      attempt: 1,
      validForMs: 60_000,
      class: options.class ?? "observe",
      allocation: "",
      payload: { kind: "register" },
    },
  };
}

// As control-plane/store/hosts/apply-host-feed.ts.
import type { FeedOutcome, FeedSender } from "../../../../control-plane/ports.ts";
import type { FeedBatch } from "../../../../shared/protocol/feed.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { keyOf, type StoredHostRow } from "../rows.ts";
import { columnsOf, feedGate, type GivenObject, type OpenGate } from "./feed-gate.ts";

export function applyHostFeed(
  database: MemoryDatabase,
  sender: FeedSender,
  batch: FeedBatch,
  wakeAtMs: number,
): FeedOutcome {
  const gate = feedGate(database, sender, "baremetalhosts", batch);
  if (gate.open === undefined) {
    return {
      kind: gate.holds ? "conflict" : "fenced",
      cursor: gate.move(),
      touched: [],
      foreign: 0,
    };
  }
  const feed = new HostFeed(database, sender.cluster, gate.open, wakeAtMs);
  return { kind: "stored", touched: feed.apply(), foreign: feed.foreign(), cursor: gate.move() };
}

class HostFeed {
  readonly #database: MemoryDatabase;
  readonly #cluster: string;
  readonly #gate: OpenGate;
  readonly #wakeAtMs: number;

  constructor(database: MemoryDatabase, cluster: string, gate: OpenGate, wakeAtMs: number) {
    this.#database = database;
    this.#cluster = cluster;
    this.#gate = gate;
    this.#wakeAtMs = wakeAtMs;
  }

  /** Uids of the hosts to decide about. All parts look at the rows as they were before the statement. */
  apply(): readonly string[] {
    const { given, completes } = this.#gate;
    const fresh = [...given.values()].filter((each) => this.#isFresh(each));
    const missing = this.#missing(fresh);
    const isFresh = new Set(fresh.map(({ uid }) => uid));
    const seen = [...given.keys()].filter((uid) => !isFresh.has(uid) && this.#stamp(uid));
    for (const each of fresh) this.#store(each);
    for (const [uid, gone] of missing) this.#markMissing(uid, gone);
    return [...isFresh, ...missing.keys(), ...(completes ? seen : [])];
  }

  foreign(): number {
    const { hosts } = this.#database.tables;
    const clusters = [...this.#gate.given.keys()].map((uid) => hosts.get(uid)?.cluster);
    return clusters.filter((cluster) => cluster !== undefined && cluster !== this.#cluster).length;
  }

  #isFresh({ uid, deleted, version }: GivenObject): boolean {
    const host = this.#database.tables.hosts.get(uid);
    if (host === undefined) return !deleted;
    if (host.cluster !== this.#cluster) return false;
    return version > host.resource_version || this.#gate.regressed;
  }

  #store(given: GivenObject): void {
    const { listId } = this.#gate;
    const host = this.#database.tables.hosts.get(given.uid) ?? newHost(this.#cluster);
    this.#database.write("hosts", given.uid, {
      ...host,
      ...columnsOf(given),
      deleted: given.deleted,
      list_id: listId ?? host.list_id,
      version: host.version + 1,
      wake_at: this.#wakeAtMs,
    });
  }

  /** Equal and older objects of a list; with the first whole one they are to be decided about, too. */
  #stamp(uid: string): boolean {
    const { listId, completes } = this.#gate;
    const host = this.#database.tables.hosts.get(uid);
    if (listId === null || host?.cluster !== this.#cluster) return false;
    const stamped = { ...host, list_id: listId };
    this.#database.write("hosts", uid, completes ? this.#woken(stamped) : stamped);
    return true;
  }

  /** Hosts that were not named, and whether each is gone. */
  #missing(fresh: readonly GivenObject[]): ReadonlyMap<string, boolean> {
    const missing = new Map<string, boolean>();
    const { given, completes } = this.#gate;
    for (const { uid, gone } of [...this.#unnamed(), ...this.#renamed(fresh)]) {
      if (!given.has(uid) && (gone || completes)) {
        missing.set(uid, gone || missing.get(uid) === true);
      }
    }
    return missing;
  }

  *#unnamed(): Iterable<{ readonly uid: string; readonly gone: boolean }> {
    const { last, listId, listVersion, regressed } = this.#gate;
    if (!last) return;
    for (const host of this.#database.tables.hosts.values()) {
      if (host.cluster !== this.#cluster || host.deleted) continue;
      const isOld = host.resource_version <= listVersion || regressed;
      yield { uid: host.uid, gone: host.list_id !== listId && isOld };
    }
  }

  /** Hosts whose name a newer object has. */
  *#renamed(
    fresh: readonly GivenObject[],
  ): Iterable<{ readonly uid: string; readonly gone: true }> {
    const { hosts } = this.#database.tables;
    for (const { uid, namespace, name, version, deleted } of fresh) {
      if (deleted) continue;
      for (const other of this.#database.hostsByName.keys(keyOf(this.#cluster, namespace, name))) {
        const host = hosts.get(other);
        if (host === undefined || other === uid || host.deleted) continue;
        if (version > host.resource_version || this.#gate.regressed)
          yield { uid: other, gone: true };
      }
    }
  }

  #markMissing(uid: string, gone: boolean): void {
    const host = this.#database.tables.hosts.get(uid);
    if (host === undefined) return;
    this.#database.write("hosts", uid, this.#woken({ ...host, deleted: host.deleted || gone }));
  }

  #woken(host: StoredHostRow): StoredHostRow {
    return { ...host, version: host.version + 1, wake_at: this.#wakeAtMs };
  }
}

/** Storing raises the version: a new row begins with 1. */
function newHost(cluster: string) {
  return {
    cluster,
    version: 0,
    list_id: null,
    site: null,
    memory: null,
    document: null,
    power_on: null,
    power_at: null,
    bmc_problem: null,
    blocked: false,
  };
}

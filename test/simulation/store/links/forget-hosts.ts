// As control-plane/store/links/forget-hosts.ts: what is believed about the hosts of an agent that proves that this
// database went back in time.
import { unknownHost } from "../hosts/unknown-host.ts";
import { wakeHost, wakeRow } from "../hosts/wake-row.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import type { StoredAgentRow } from "../rows.ts";

/** Uids of the hosts. */
export function forgetHosts(
  database: MemoryDatabase,
  { site, cluster, epoch }: Pick<StoredAgentRow, "site" | "cluster"> & { readonly epoch: number },
  wakeAtMs: number,
): readonly string[] {
  const { hosts, links } = database.tables;
  const forgotten = [...hosts.values()].filter(
    (host) =>
      (site !== null && host.site === site) || (cluster !== null && host.cluster === cluster),
  );
  const stale = new Set(forgotten.map((host) => host.cluster));
  if (cluster !== null) stale.add(cluster);
  for (const { uid } of forgotten) {
    wakeHost(database, uid, wakeAtMs, unknownHost);
    forgetRows(database, uid);
    for (const key of database.factsByHost.keys(uid))
      database.write("secret_facts", key, undefined);
  }
  for (const table of ["feeds", "machine_feeds"] as const) {
    for (const [key, feed] of database.tables[table]) {
      if (stale.has(feed.cluster)) database.write(table, key, { ...feed, cursor: "" });
    }
  }
  forgetMachines(database, stale, wakeAtMs);
  for (const name of stale) {
    const link = links.get(`cluster:${name}`);
    if (link === undefined || name === cluster) continue;
    database.write("links", link.name, { ...link, epoch });
  }
  return forgotten.map(({ uid }) => uid);
}

function forgetMachines(
  database: MemoryDatabase,
  clusters: ReadonlySet<string>,
  wakeAtMs: number,
): void {
  const { hosts, machines } = database.tables;
  for (const { uid, cluster } of machines.values()) {
    if (!clusters.has(cluster)) continue;
    const changes = { memory: null, node: null, waiting: false };
    wakeRow(database, { table: "machines", uid }, wakeAtMs, changes);
    forgetOutbox(database, uid);
  }
  for (const host of hosts.values()) {
    if (!clusters.has(host.cluster) || host.machine_uid === null) continue;
    database.write("hosts", host.uid, { ...host, machine_uid: null });
  }
}

/** Uid of the machine that had it. */
export function forgetHost(
  database: MemoryDatabase,
  { uid, version }: { readonly uid: string; readonly version: number },
  wakeAtMs: number,
): readonly string[] {
  const host = database.tables.hosts.get(uid);
  if (host?.version !== version) return [];
  wakeHost(database, uid, wakeAtMs, unknownHost);
  forgetRows(database, uid);
  const machine = host.machine_uid;
  const isWoken =
    machine !== null && wakeRow(database, { table: "machines", uid: machine }, wakeAtMs);
  return isWoken ? [machine] : [];
}

function forgetRows(database: MemoryDatabase, uid: string): void {
  for (const key of database.operationsByHost.keys(uid)) {
    database.write("operations", key, undefined);
  }
  forgetOutbox(database, uid);
}

function forgetOutbox(database: MemoryDatabase, uid: string): void {
  for (const [key, row] of database.tables.outbox) {
    if (row.host_uid === uid) database.write("outbox", key, undefined);
  }
}

// As control-plane/store/links/forget-hosts.ts: what is believed about the hosts of an agent that proves that this
// database went back in time.
import { wakeHost } from "../hosts/wake-host.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import type { StoredAgentRow } from "../rows.ts";

/** Uids of the hosts. */
export function forgetHosts(
  database: MemoryDatabase,
  { site, cluster, epoch }: Pick<StoredAgentRow, "site" | "cluster"> & { readonly epoch: number },
  wakeAtMs: number,
): readonly string[] {
  const { hosts, feeds, links } = database.tables;
  const forgotten = [...hosts.values()].filter(
    (host) =>
      (site !== null && host.site === site) || (cluster !== null && host.cluster === cluster),
  );
  const stale = new Set(forgotten.map((host) => host.cluster));
  if (cluster !== null) stale.add(cluster);
  for (const { uid } of forgotten) {
    wakeHost(database, uid, wakeAtMs, unknown);
    forgetRows(database, uid);
  }
  for (const [key, feed] of feeds) {
    if (stale.has(feed.cluster)) database.write("feeds", key, { ...feed, cursor: "" });
  }
  for (const name of stale) {
    const link = links.get(`cluster:${name}`);
    if (link === undefined || name === cluster) continue;
    database.write("links", link.name, { ...link, epoch });
  }
  return forgotten.map(({ uid }) => uid);
}

const unknown = {
  memory: null,
  document: null,
  power_on: null,
  power_at: null,
  bmc_problem: null,
  blocked: false,
};

function forgetRows(database: MemoryDatabase, uid: string): void {
  for (const key of database.operationsByHost.keys(uid)) {
    database.write("operations", key, undefined);
  }
  for (const key of database.factsByHost.keys(uid)) database.write("secret_facts", key, undefined);
  for (const [key, row] of database.tables.outbox) {
    if (row.host_uid === uid) database.write("outbox", key, undefined);
  }
}

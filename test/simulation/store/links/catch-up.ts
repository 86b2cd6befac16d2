// As control-plane/store/links/catch-up.ts.
import type { FeedSender, LinkStore } from "../../../../control-plane/ports.ts";
import { openOperation } from "../hosts/reads.ts";
import { wakeHost } from "../hosts/wake-row.ts";
import type { MemoryDatabase } from "../memory-database.ts";

export function catchUp(
  database: MemoryDatabase,
  { agentId, epoch, cluster }: FeedSender,
  wakeAtMs: number,
): Awaited<ReturnType<LinkStore["catchUp"]>> {
  const { links, hosts } = database.tables;
  const link = links.get(`cluster:${cluster}`);
  if (link?.agent_id !== agentId || link.epoch !== epoch || !link.behind) {
    return { hosts: [], sites: [] };
  }
  database.write("links", link.name, { ...link, behind: false });
  const own = [...hosts.values()].filter((host) => host.cluster === cluster);
  const waiting = own.filter((host) => host.wake_at !== null).map(({ uid }) => uid);
  for (const uid of waiting) wakeHost(database, uid, wakeAtMs);
  const sites = own.flatMap(({ uid }) => {
    const operation = openOperation(database, uid);
    return operation?.state === "pending" ? [operation.site] : [];
  });
  return { hosts: waiting.toSorted(), sites: [...new Set(sites)].toSorted() };
}

// As control-plane/store/links/catch-up.ts.
import type { FeedSender } from "../../../../control-plane/ports.ts";
import { wakeHost } from "../hosts/wake-row.ts";
import type { MemoryDatabase } from "../memory-database.ts";

export function catchUp(
  database: MemoryDatabase,
  { agentId, epoch, cluster }: FeedSender,
  wakeAtMs: number,
): readonly string[] {
  const { links, hosts } = database.tables;
  const link = links.get(`cluster:${cluster}`);
  if (link?.agent_id !== agentId || link.epoch !== epoch || !link.behind) return [];
  database.write("links", link.name, { ...link, behind: false });
  const waiting = [...hosts.values()].filter(
    (host) => host.cluster === cluster && host.wake_at !== null,
  );
  for (const { uid } of waiting) wakeHost(database, uid, wakeAtMs);
  return waiting.map(({ uid }) => uid);
}

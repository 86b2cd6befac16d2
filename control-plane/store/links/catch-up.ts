// One statement: a cluster link has told all that had changed while it was away. Hosts that waited for that wake by
// themselves some time, so they are among those that have a time to wake.
import { sql, type SQL } from "drizzle-orm";
import type { FeedSender } from "../../ports.ts";

export function catchUp({ agentId, epoch, cluster }: FeedSender, wakeAtMs: number): SQL {
  return sql`
  WITH link AS (
      UPDATE links SET behind = false
      WHERE name = ${`cluster:${cluster}`} AND agent_id = ${agentId} AND epoch = ${epoch}::bigint AND behind
      RETURNING name
    )
  UPDATE hosts h SET version = h.version + 1, wake_at = ${wakeAtMs}::bigint
  FROM link WHERE h.cluster = ${cluster} AND h.wake_at IS NOT NULL
  RETURNING h.uid`;
}

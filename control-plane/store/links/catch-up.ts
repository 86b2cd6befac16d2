// One statement: a cluster link has told all that had changed while it was away. Hosts that waited for that wake by
// themselves some time, so they are among those that have a time to wake. Operations that waited may go to their sites.
import { sql, type SQL } from "drizzle-orm";
import type { FeedSender } from "../../ports.ts";

export function catchUp({ agentId, epoch, cluster }: FeedSender, wakeAtMs: number): SQL {
  return sql`
  WITH link AS (
      UPDATE links SET behind = false
      WHERE name = ${`cluster:${cluster}`} AND agent_id = ${agentId} AND epoch = ${epoch}::bigint AND behind
      RETURNING name
    ),
    woken AS (
      UPDATE hosts h SET version = h.version + 1, wake_at = ${wakeAtMs}::bigint
      FROM link WHERE h.cluster = ${cluster} AND h.wake_at IS NOT NULL
      RETURNING h.uid
    )
  SELECT (SELECT coalesce(json_agg(uid ORDER BY uid), '[]') FROM woken) AS hosts,
    (SELECT coalesce(json_agg(DISTINCT p.site), '[]')
     FROM link, hosts h JOIN operations p ON p.host_uid = h.uid
     WHERE h.cluster = ${cluster} AND NOT p.consumed AND p.state = 'pending') AS sites`;
}

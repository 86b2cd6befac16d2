// One statement: stores a batch of another followed resource, removes what is gone, wakes the hosts that it is
// about, moves the cursor.
import { sql, type SQL } from "drizzle-orm";
import type { FeedResource } from "../../../shared/protocol/feed.ts";
import type { FeedSender } from "../../ports.ts";
import type { FoldedBatch } from "./feed-batch.ts";
import { feedAnswer, feedGate } from "./feed-gate.ts";

/** Which hosts an object `c` is about. */
const concerned: Readonly<Record<Exclude<FeedResource, "baremetalhosts">, SQL>> = {
  hardwaredata: sql`c.namespace = h.namespace AND c.name = h.name`,
  namespaces: sql`c.name = h.namespace`,
};

export function applyObjectFeed(
  sender: FeedSender,
  resource: Exclude<FeedResource, "baremetalhosts">,
  batch: FoldedBatch,
  wakeAtMs: number,
): SQL {
  const { moved, answer } = feedAnswer(sender, resource, batch);
  return sql`
  WITH ${feedGate(sender, resource, batch)},
    fresh AS (
      SELECT g.* FROM given g CROSS JOIN gate
        LEFT JOIN objects o
          ON o.cluster = ${sender.cluster} AND o.resource = ${resource} AND o.uid = g.uid
      WHERE CASE WHEN o.uid IS NULL THEN NOT g.deleted
                 ELSE g.rv > o.resource_version OR gate.regressed END
    ),
    stored AS (
      INSERT INTO objects AS o
        (cluster, resource, uid, namespace, name, object, resource_version, list_id)
      SELECT ${sender.cluster}, ${resource}, uid, namespace, name, object, rv, ${batch.listId}
      FROM fresh WHERE NOT deleted
      ON CONFLICT (cluster, resource, uid) DO UPDATE SET
        namespace = excluded.namespace, name = excluded.name, object = excluded.object,
        resource_version = excluded.resource_version,
        list_id = coalesce(excluded.list_id, o.list_id)
      RETURNING namespace, name
    ),
    seen AS (
      UPDATE objects o SET list_id = ${batch.listId} FROM given g
      WHERE ${batch.listId}::text IS NOT NULL AND o.uid = g.uid
        AND o.cluster = ${sender.cluster} AND o.resource = ${resource}
        AND NOT EXISTS (SELECT FROM fresh WHERE fresh.uid = o.uid)
    ),
    removed AS (
      DELETE FROM objects o USING gate
      WHERE o.cluster = ${sender.cluster} AND o.resource = ${resource}
        AND (EXISTS (SELECT FROM fresh f WHERE f.uid = o.uid AND f.deleted)
          OR (${batch.last}::boolean AND o.list_id IS DISTINCT FROM ${batch.listId}
            AND (o.resource_version <= ${batch.listVersion}::numeric OR gate.regressed)
            AND NOT EXISTS (SELECT FROM given g WHERE g.uid = o.uid)))
      RETURNING o.namespace, o.name
    ),
    changed AS (SELECT * FROM stored UNION ALL SELECT * FROM removed),
    touched AS (
      UPDATE hosts h SET version = h.version + 1, wake_at = ${wakeAtMs}::bigint
      FROM gate
      WHERE h.cluster = ${sender.cluster}
        AND (gate.completes OR EXISTS (SELECT FROM changed c WHERE ${concerned[resource]}))
      RETURNING h.uid
    ),
    ${moved}
  SELECT ${answer}, 0 AS elsewhere`;
}

// One statement: stores a batch of BareMetalHosts, marks what is gone, wakes what changed, moves the cursor.
import { sql, type SQL } from "drizzle-orm";
import type { FeedSender } from "../../ports.ts";
import type { FoldedBatch } from "./feed-batch.ts";
import { feedAnswer, feedGate } from "./feed-gate.ts";

/**
 * fresh/stored: objects that are new or newer than ours; older and equal ones change nothing. seen: stamps the
 * equal ones of a list. missing: what a whole list did not name, and what lost its name to a newer object; or,
 * with the first whole list, everything, to be decided about at last. The three touch different rows: a
 * statement cannot change a row twice.
 */
export function applyHostFeed(sender: FeedSender, batch: FoldedBatch, wakeAtMs: number): SQL {
  const { moved, answer } = feedAnswer(sender, "baremetalhosts", batch);
  return sql`
  WITH ${feedGate(sender, "baremetalhosts", batch)},
    fresh AS (
      SELECT g.* FROM given g CROSS JOIN gate LEFT JOIN hosts h ON h.uid = g.uid
      WHERE CASE WHEN h.uid IS NULL THEN NOT g.deleted
                 ELSE h.cluster = ${sender.cluster}
                   AND (g.rv > h.resource_version OR gate.regressed) END
    ),
    stored AS (
      INSERT INTO hosts AS h
        (uid, cluster, namespace, name, object, resource_version, deleted, list_id, wake_at)
      SELECT uid, ${sender.cluster}, namespace, name, object, rv, deleted, ${batch.listId},
        ${wakeAtMs}::bigint
      FROM fresh
      ON CONFLICT (uid) DO UPDATE SET
        namespace = excluded.namespace, name = excluded.name, object = excluded.object,
        resource_version = excluded.resource_version, deleted = excluded.deleted,
        list_id = coalesce(excluded.list_id, h.list_id),
        version = h.version + 1, wake_at = excluded.wake_at
      WHERE h.cluster = excluded.cluster
        AND (excluded.resource_version > h.resource_version OR (SELECT regressed FROM gate))
      RETURNING uid
    ),
    seen AS (
      UPDATE hosts h SET
        list_id = ${batch.listId},
        version = h.version + gate.completes::int,
        wake_at = CASE WHEN gate.completes THEN ${wakeAtMs}::bigint ELSE h.wake_at END
      FROM given g, gate
      WHERE ${batch.listId}::text IS NOT NULL AND h.uid = g.uid AND h.cluster = ${sender.cluster}
        AND NOT EXISTS (SELECT FROM fresh WHERE fresh.uid = h.uid)
      RETURNING h.uid, gate.completes
    ),
    ${missingPart(sender, batch, wakeAtMs)},
    touched AS (
      SELECT uid FROM stored UNION ALL SELECT uid FROM missing
      UNION ALL SELECT uid FROM seen WHERE completes
    ),
    ${moved}
  SELECT ${answer},
    (SELECT count(*)::int FROM given g JOIN hosts h ON h.uid = g.uid
     WHERE h.cluster <> ${sender.cluster}) AS elsewhere`;
}

function missingPart(sender: FeedSender, batch: FoldedBatch, wakeAtMs: number): SQL {
  return sql`
    unnamed AS (
      SELECT o.uid, o.list_id IS DISTINCT FROM ${batch.listId}
        AND (o.resource_version <= ${batch.listVersion}::numeric OR gate.regressed) AS gone
      FROM hosts o, gate
      WHERE ${batch.last}::boolean AND o.cluster = ${sender.cluster} AND NOT o.deleted
      UNION ALL
      SELECT o.uid, true
      FROM gate, fresh f JOIN hosts o
        ON o.cluster = ${sender.cluster} AND o.namespace = f.namespace AND o.name = f.name
      WHERE o.uid <> f.uid AND NOT f.deleted AND NOT o.deleted
        AND (f.rv > o.resource_version OR gate.regressed)
    ),
    missing AS (
      UPDATE hosts h SET
        deleted = h.deleted OR u.gone, version = h.version + 1, wake_at = ${wakeAtMs}::bigint
      FROM (SELECT uid, bool_or(gone) AS gone FROM unnamed GROUP BY uid) u, gate
      WHERE h.uid = u.uid AND (u.gone OR gate.completes)
        AND NOT EXISTS (SELECT FROM given g WHERE g.uid = h.uid)
      RETURNING h.uid
    )`;
}

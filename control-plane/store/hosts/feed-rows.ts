// The middle part of the feed statements whose objects have rows of their own (hosts, machines): stores them, marks
// what is gone.
import { sql, type SQL } from "drizzle-orm";
import type { FeedSender } from "../../ports.ts";
import type { FoldedBatch } from "./feed-batch.ts";

export interface FedTable {
  readonly table: SQL;
  /** Whether the row `h` is of this feed. */
  readonly isOwn: SQL;
  /** Columns of the table's own for a new row, and their values, each with a comma before it. */
  readonly more: { readonly columns: SQL; readonly values: SQL };
  /** What else changes in a row `h` that takes a newer form (`excluded`), with a comma before each. */
  readonly changes: SQL;
  /** Whether a newer form of the row `h` (`excluded`) changes no decision; null is as false. */
  readonly isIdle: SQL;
  readonly wakeAtMs: number;
}

/**
 * fresh/stored: objects that are new or newer than ours; older and equal ones change nothing, idle ones wake nobody.
 * seen: stamps the equal ones of a list. missing: what a whole list did not name, and what lost its name to a newer
 * object; or, with the first whole list, everything, to be decided about at last. The three touch different rows: a
 * statement cannot change a row twice. decided: the uids to decide about.
 */
export function feedRows(sender: FeedSender, batch: FoldedBatch, fed: FedTable): SQL {
  const { table, isOwn, more, changes, isIdle, wakeAtMs } = fed;
  return sql`
    fresh AS (
      SELECT g.* FROM given g CROSS JOIN gate LEFT JOIN ${table} h ON h.uid = g.uid
      WHERE CASE WHEN h.uid IS NULL THEN NOT g.deleted
                 ELSE ${isOwn} AND (g.rv > h.resource_version OR gate.regressed) END
    ),
    stored AS (
      INSERT INTO ${table} AS h
        (uid, cluster, namespace, name, object, resource_version, deleted, list_id, wake_at${more.columns})
      SELECT uid, ${sender.cluster}, namespace, name, object, rv, deleted, ${batch.listId},
        ${wakeAtMs}::bigint${more.values}
      FROM fresh ORDER BY uid
      ON CONFLICT (uid) DO UPDATE SET
        namespace = excluded.namespace, name = excluded.name, object = excluded.object,
        resource_version = excluded.resource_version, deleted = excluded.deleted,
        list_id = coalesce(excluded.list_id, h.list_id),
        version = h.version + 1,
        wake_at = CASE WHEN ${isIdle} AND (SELECT NOT regressed AND NOT completes FROM gate)
                       THEN h.wake_at ELSE excluded.wake_at END${changes}
      WHERE ${isOwn}
        AND (excluded.resource_version > h.resource_version OR (SELECT regressed FROM gate))
      RETURNING h.*
    ),
    seen AS (
      UPDATE ${table} h SET
        list_id = ${batch.listId},
        version = h.version + gate.completes::int,
        wake_at = CASE WHEN gate.completes THEN ${wakeAtMs}::bigint ELSE h.wake_at END
      FROM given g, gate
      WHERE ${batch.listId}::text IS NOT NULL AND h.uid = g.uid AND ${isOwn}
        AND NOT EXISTS (SELECT FROM fresh WHERE fresh.uid = h.uid)
      RETURNING h.uid, gate.completes
    ),
    ${missingPart(batch, fed)},
    decided AS (
      SELECT uid FROM stored WHERE wake_at = ${wakeAtMs}::bigint
      UNION ALL SELECT uid FROM missing
      UNION ALL SELECT uid FROM seen WHERE completes
    )`;
}

function missingPart(batch: FoldedBatch, { table, isOwn, wakeAtMs }: FedTable): SQL {
  return sql`
    unnamed AS MATERIALIZED (
      SELECT h.uid, h.list_id IS DISTINCT FROM ${batch.listId}
        AND (h.resource_version <= ${batch.listVersion}::numeric OR gate.regressed) AS gone
      FROM ${table} h, gate
      WHERE ${batch.last}::boolean AND ${isOwn} AND NOT h.deleted
      UNION ALL
      SELECT h.uid, true
      FROM gate, fresh f JOIN ${table} h
        ON ${isOwn} AND h.namespace = f.namespace AND h.name = f.name
      WHERE h.uid <> f.uid AND NOT f.deleted AND NOT h.deleted
        AND (f.rv > h.resource_version OR gate.regressed)
    ),
    missing AS (
      UPDATE ${table} h SET
        deleted = h.deleted OR u.gone, version = h.version + 1, wake_at = ${wakeAtMs}::bigint
      FROM (SELECT uid, bool_or(gone) AS gone FROM unnamed GROUP BY uid) u, gate
      WHERE h.uid = u.uid AND (u.gone OR gate.completes)
        AND NOT EXISTS (SELECT FROM given g WHERE g.uid = h.uid)
      RETURNING h.*, u.gone
    )`;
}

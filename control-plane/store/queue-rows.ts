// Part of the statements that commit a decision: what it wants its links to hear.
import { sql, type SQL } from "drizzle-orm";
import type { OutboxRow } from "../ports.ts";
import { jsonText, storable } from "./json-text.ts";

/**
 * CTEs over `allowed`, which is empty when nothing is to be written. A row that waits already, or was sent and not
 * answered, is not queued twice. A status that was sent may have been written: when it is replaced, older ones go
 * with it.
 */
export function queueRows(outbox: readonly OutboxRow[]): SQL {
  return sql`
    given (link, key, host_uid, delivery, position) AS (
      SELECT r.* FROM (${valuesOf(outbox)}) r, allowed
    ),
    replaced AS (
      DELETE FROM outbox o USING given g
      WHERE o.link = g.link AND o.key = g.key AND o.delivery <> g.delivery
      RETURNING o.id, o.link, o.host_uid, o.key, o.sent_epoch
    ),
    outdated AS (
      DELETE FROM outbox o USING replaced r
      WHERE r.sent_epoch <> 0 AND r.key LIKE 'status:%' AND o.key LIKE 'status:%'
        AND o.link = r.link AND o.host_uid = r.host_uid AND o.id < r.id
        AND o.id NOT IN (SELECT id FROM replaced)
    ),
    queued AS (
      INSERT INTO outbox (link, key, host_uid, delivery)
      SELECT g.link, g.key, g.host_uid, g.delivery FROM given g
      WHERE NOT EXISTS (
        SELECT FROM outbox o WHERE o.link = g.link AND o.key = g.key AND o.delivery = g.delivery)
      ORDER BY g.position
    )`;
}

/** VALUES, not JSON: the planner then knows that they are few, and looks for each by its key. */
function valuesOf(outbox: readonly OutboxRow[]): SQL {
  if (outbox.length === 0) {
    return sql`SELECT NULL::text, NULL::text, NULL::text, NULL::jsonb, NULL::int WHERE false`;
  }
  const rows = outbox.map(
    ({ link, key, hostUid, delivery }, position) =>
      sql`(${storable(link)}::text, ${key === undefined ? null : storable(key)}::text, ${storable(hostUid)}::text,
        ${jsonText(delivery)}::jsonb, ${position}::int)`,
  );
  return sql`VALUES ${sql.join(rows, sql`, `)}`;
}

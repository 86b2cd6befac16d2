// Part of the statements that commit a decision: what it wants its links to hear.
import { sql, type SQL } from "drizzle-orm";
import type { OutboxRow } from "../ports.ts";
import { jsonText } from "./json-text.ts";

/**
 * CTEs over `allowed`, which is empty when nothing is to be written. A row that waits already, or was sent and not
 * answered, is not queued twice. A status that was sent may have been written: when it is replaced, older ones go
 * with it.
 */
export function queueRows(outbox: readonly OutboxRow[]): SQL {
  return sql`
    given AS (
      SELECT r.row->>'link' AS link, r.row->>'key' AS key, r.row->>'hostUid' AS host_uid,
        r.row->'delivery' AS delivery, r.position
      FROM jsonb_array_elements(${jsonText(outbox)}::jsonb)
        WITH ORDINALITY AS r(row, position), allowed
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

// One statement: stores a batch of BareMetalHosts, marks what is gone, wakes what changed and the machines that it
// may concern, moves the cursor.
import { sql, type SQL } from "drizzle-orm";
import type { FeedSender } from "../../ports.ts";
import { isChoosing, lookedAt, ofCompleteFeed, wakeMachines } from "../machines/wake-machines.ts";
import type { FoldedBatch } from "./feed-batch.ts";
import { feedAnswer, feedGate } from "./feed-gate.ts";
import { feedRows } from "./feed-rows.ts";
import { isEcho } from "./is-echo.ts";
import { removesAnnotations } from "../links/outbox.ts";

/**
 * An annotation that was acted on is ignored until it is seen to be gone. Where it came again before anybody decided,
 * as the same batch may bring it, what tells that is a version without it between what was stored and what is now.
 */
const memoryAfter = sql.raw(`CASE WHEN h.memory->'taken' IS NULL THEN h.memory ELSE
          jsonb_set(h.memory, '{taken}', (
            SELECT coalesce(jsonb_agg(t.name ORDER BY t.place), '[]')
            FROM jsonb_array_elements_text(h.memory->'taken') WITH ORDINALITY AS t(name, place)
            WHERE NOT EXISTS (
              SELECT FROM fresh f, jsonb_to_recordset(f.forms) AS s(rv numeric, names jsonb)
              WHERE f.uid = h.uid AND s.rv > h.resource_version AND NOT s.names @> to_jsonb(t.name)))) END`);

/**
 * What was to be removed, and is seen to be gone, is removed: an answer was lost, or has not come yet. Sent once more,
 * it would remove what people ask for next.
 */
const removed = sql`
    removed AS (
      DELETE FROM outbox o USING fresh f, hosts h
      WHERE h.uid = f.uid AND o.host_uid = f.uid AND o.link = 'cluster:' || h.cluster AND ${removesAnnotations}
        AND EXISTS (
          SELECT FROM jsonb_to_recordset(f.forms) AS s(rv numeric, names jsonb)
          WHERE s.rv > h.resource_version AND NOT EXISTS (
            SELECT FROM jsonb_array_elements_text(o.delivery->'write'->'removeAnnotations') AS w(name)
            WHERE s.names @> to_jsonb(w.name)))
    )`;

/**
 * altered: hosts that are another for who has claimed one, or waits for one. Whose a host is, is read from the row as
 * it is written: a claim that was made meanwhile counts.
 */
export function applyHostFeed(sender: FeedSender, batch: FoldedBatch, wakeAtMs: number): SQL {
  const { cluster } = sender;
  const { moved, answer } = feedAnswer(sender, "baremetalhosts", batch, {
    hosts: sql`SELECT uid FROM decided`,
    machines: sql`SELECT uid FROM woken`,
  });
  const rows = feedRows(sender, batch, {
    table: sql`hosts`,
    isOwn: sql`h.cluster = ${cluster}`,
    more: { columns: sql``, values: sql`` },
    changes: sql`, memory = ${memoryAfter}`,
    isIdle: isEcho,
    wakeAtMs,
  });
  return sql`
  WITH ${feedGate(sender, "baremetalhosts", batch)},
    ${rows},
    ${removed},
    altered AS (
      SELECT s.namespace, s.machine_uid FROM stored s LEFT JOIN hosts b ON b.uid = s.uid
      WHERE b.uid IS NULL OR b.deleted <> s.deleted
        OR ${lookedAt("b.object")} <> ${lookedAt("s.object")}
      UNION ALL SELECT namespace, machine_uid FROM missing WHERE gone
    ),
    ${wakeMachines(
      sql`
      SELECT machine_uid FROM altered WHERE machine_uid IS NOT NULL
      UNION ALL
      SELECT m.uid FROM machines m
      WHERE ${isChoosing} AND m.cluster = ${cluster}
        AND m.namespace IN (SELECT namespace FROM altered WHERE machine_uid IS NULL)
      UNION ALL ${ofCompleteFeed(cluster, batch)}`,
      wakeAtMs,
    )},
    ${moved}
  SELECT ${answer},
    (SELECT count(*)::int FROM given g JOIN hosts h ON h.uid = g.uid
     WHERE h.cluster <> ${cluster}) AS elsewhere`;
}

// Two statements of hop 6: rows to send, and rows that an agent has answered.
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { delivery, type Delivery } from "../../../shared/protocol/frames.ts";
import type { LinkName, LinkStore } from "../../ports.ts";
import { leaseTtlMs } from "../../lease-times.table.ts";
import { readRow, type Database } from "../database.ts";

const taken = z.object({
  held: z.coerce.number(),
  rows: z.array(z.object({ id: z.string(), delivery })),
});

interface TakeOptions {
  readonly nowMs: number;
  readonly limit: number;
  readonly only?: "urgent" | "but-events" | undefined;
}

/**
 * Marks rows as sent in this session and returns them in order, up to the limit of each link, for urgent ones and for
 * others, and documents first: what a new session repeats may be older than the document that it brings. Undefined: the
 * session does not hold the links any more. If the answer gets lost the caller must end the session: another one gets
 * the rows again. A status that is followed by one that was sent waits: the newer one may have been written, and an
 * older one must not come after it. An operation that is new to the site waits until it is known what people want of the
 * host by now.
 */
export async function takeOutbox(
  database: Database,
  session: Parameters<LinkStore["takeOutbox"]>[0],
  options: TakeOptions,
): Promise<readonly { readonly id: string; readonly delivery: Delivery }[] | undefined> {
  const { turn } = session;
  const row = await readRow(
    database,
    taken,
    sql`
    WITH held AS (
        SELECT l.name FROM links l
        JOIN jsonb_array_elements_text(${JSON.stringify(session.links)}::jsonb) AS n(name)
          ON n.name = l.name
        WHERE l.epoch = ${session.epoch}::bigint
          AND (${turn === undefined} OR EXISTS (
          SELECT FROM sessions s
          WHERE s.agent_id = ${turn?.agentId ?? null} AND s.epoch = ${session.epoch}::bigint
            AND s.turn = ${turn?.count ?? null}::bigint))
      ),
      ${waitingParts(session.epoch, options)},
      picked AS MATERIALIZED (SELECT id FROM urgent UNION ALL SELECT id FROM others),
      sent AS (
        UPDATE outbox o SET sent_epoch = ${session.epoch}::bigint
        WHERE o.id IN (SELECT id FROM picked)
        RETURNING o.id, o.link, o.key, o.delivery,
          CASE WHEN o.key LIKE 'document:%' THEN 0 WHEN ${isUrgent} THEN 1 ELSE 2 END AS place
      ),
      turned AS (
        UPDATE sessions s SET turn = s.turn + 1
        WHERE s.agent_id = ${turn?.agentId ?? null} AND s.epoch = ${session.epoch}::bigint
          AND EXISTS (SELECT FROM picked)
        RETURNING s.epoch, s.turn
      ),
      given AS (
        UPDATE links l SET given_epoch = turned.epoch, given_turn = turned.turn FROM turned
        WHERE l.name IN (SELECT link FROM sent WHERE key LIKE 'operation:%')
      )
    SELECT (SELECT count(*) FROM held) AS held,
      coalesce(
        (SELECT json_agg(json_build_object('id', id::text, 'delivery', delivery) ORDER BY place, id) FROM sent),
        '[]') AS rows`,
  );
  return row.held < session.links.length ? undefined : row.rows;
}

/**
 * Whether an outbox row `o` is a claim, a finalizer or a providerID: the machine side goes on when they are shown, and
 * they do not wait behind what only tells.
 */
const isUrgent = sql.raw(`(o.key LIKE 'host-patch:%' OR o.key LIKE 'provider-patch:%')`);

/** Whether an outbox row `o` removes annotations from a host. */
export const removesAnnotations = sql.raw(`(o.delivery->'write'->'removeAnnotations') IS NOT NULL`);

/** CTEs `urgent` and `others`, over `held`. */
function waitingParts(epoch: number, { nowMs, limit, only }: TakeOptions): SQL {
  const isToSend = sql`o.sent_epoch <> ${epoch}::bigint AND o.retry_at <= ${nowMs}::bigint`;
  return sql`
    urgent AS (
        SELECT next.id FROM held, LATERAL (
          SELECT o.id FROM outbox o
          WHERE o.link = held.name AND ${isUrgent} AND ${isToSend}
          ORDER BY o.id LIMIT ${limit}::int
          FOR UPDATE SKIP LOCKED) next
      ),
      others AS (
        SELECT next.id FROM held, LATERAL (
          SELECT o.id FROM outbox o
          WHERE ${only !== "urgent"} AND o.link = held.name AND ${isUrgent} IS NOT TRUE AND ${isToSend}
            AND NOT (${only === "but-events"} AND coalesce(o.key LIKE 'event:%', false))
            AND NOT (o.key LIKE 'status:%' AND EXISTS (
              SELECT FROM outbox newer
              WHERE newer.link = o.link AND newer.host_uid = o.host_uid AND newer.id > o.id
                AND newer.sent_epoch <> 0 AND newer.key LIKE 'status:%'))
            AND NOT (coalesce(o.key LIKE 'operation:%', false) AND ${isBlind(nowMs)})
            AND NOT (${removesAnnotations} AND EXISTS (SELECT FROM links c WHERE c.name = o.link AND c.behind))
          ORDER BY o.id LIMIT ${limit}::int
          FOR UPDATE SKIP LOCKED) next
      )`;
}

/** Of an outbox row `o` with an operation. As the decisions have it, what only looks is given out. */
function isBlind(nowMs: number): SQL {
  return sql`EXISTS (
    SELECT FROM operations p JOIN hosts h ON h.uid = p.host_uid
    LEFT JOIN links c ON c.name = 'cluster:' || h.cluster
    WHERE p.id = substr(o.key, 11) AND p.state = 'pending' AND p.class <> 'observe'
      AND (c.name IS NULL OR c.behind OR c.seen_at < ${nowMs - leaseTtlMs}::bigint))`;
}

/**
 * Deletes what is done. A status that is written makes older ones of the host, which failed before, moot: they
 * must not come after it. What failed comes back after 1, 2, 4 … 30 s; returns the shortest wait (ms).
 */
export async function ackOutbox(
  database: Database,
  session: { readonly epoch: number; readonly links: readonly LinkName[] },
  acks: { readonly done: readonly string[]; readonly retry: readonly string[] },
  nowMs: number,
): Promise<number | undefined> {
  const row = await readRow(
    database,
    z.object({ wait: z.coerce.number().nullable() }),
    sql`
    WITH done AS (
        DELETE FROM outbox o
        WHERE o.id IN (SELECT value::bigint FROM jsonb_array_elements_text(${numbers(acks.done)}::jsonb))
          AND o.sent_epoch = ${session.epoch}::bigint
        RETURNING o.id, o.link, o.host_uid, o.key
      ),
      moot AS (
        DELETE FROM outbox o USING done d
        WHERE o.link = d.link AND o.host_uid = d.host_uid AND o.id < d.id
          AND o.key LIKE 'status:%' AND d.key LIKE 'status:%'
          AND o.id NOT IN (SELECT id FROM done)
        RETURNING o.id
      ),
      again AS (
        UPDATE outbox o SET sent_epoch = 0, tries = o.tries + 1,
          retry_at = ${nowMs}::bigint + least(30000, 1000 * (2 ^ least(o.tries, 5))::bigint)
        WHERE o.id IN (SELECT value::bigint FROM jsonb_array_elements_text(${numbers(acks.retry)}::jsonb))
          AND o.sent_epoch = ${session.epoch}::bigint
          AND o.id NOT IN (SELECT id FROM moot)
        RETURNING o.retry_at
      )
    SELECT min(retry_at) - ${nowMs}::bigint AS wait FROM again`,
  );
  return row.wait ?? undefined;
}

/** An agent answers with the ids that it got; anything else names no row. */
function numbers(ids: readonly string[]): string {
  return JSON.stringify(ids.filter((id) => /^\d{1,18}$/.test(id)));
}

// One statement: a sign of life of a session and of the links that it holds.
import { sql } from "drizzle-orm";
import { z } from "zod";
import { besideAnotherMs } from "../../lease-times.table.ts";
import { readRows, type Database } from "../database.ts";

const answer = z.object({
  approved: z.boolean(),
  current: z.boolean(),
  beside: z.boolean(),
  held: z.coerce.number(),
});

export interface Renewal {
  readonly agentId: string;
  readonly epoch: number;
  readonly turn?: number | undefined;
  /** How many links the session was opened with. */
  readonly links: number;
}

/** "lost": a link that the session held was taken by another agent. "beside": held, and another process asks for it. */
export async function renewLease(
  database: Database,
  { agentId, epoch, turn, links }: Renewal,
  nowMs: number,
): Promise<"held" | "beside" | "fenced" | "revoked" | "lost"> {
  const [row] = await readRows(
    database,
    answer,
    sql`
    WITH agent AS (SELECT id, state FROM agents WHERE id = ${agentId}),
      current AS (
        UPDATE sessions s SET turn = s.turn + 1, seen_at = ${nowMs}::bigint FROM agent
        WHERE s.agent_id = agent.id AND s.epoch = ${epoch}::bigint AND agent.state = 'approved'
          AND coalesce(${turn ?? null}::bigint, s.turn) = s.turn
        RETURNING s.agent_id, s.other_seen_at
      ),
      held AS (
        UPDATE links l SET seen_at = ${nowMs}::bigint FROM current
        WHERE l.agent_id = current.agent_id AND l.epoch = ${epoch}::bigint
        RETURNING l.name
      )
    SELECT agent.state = 'approved' AS approved, EXISTS (SELECT FROM current) AS current,
      EXISTS (SELECT FROM current WHERE other_seen_at >= ${nowMs - besideAnotherMs}::bigint) AS beside,
      (SELECT count(*) FROM held) AS held
    FROM agent`,
  );
  if (row?.approved !== true) return "revoked";
  if (!row.current) return "fenced";
  if (row.held < links) return "lost";
  return row.beside ? "beside" : "held";
}

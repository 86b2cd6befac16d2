// One statement: the agent of a session has ended in order: no process has the session any more. Only its own next
// process may take that as a word: an agent that stands by waits for the lease, or each restart would be a change of
// agents.
import { sql, type SQL } from "drizzle-orm";
import { leaseTtlMs } from "../../lease-times.table.ts";

export function endSession(
  session: { readonly agentId: string; readonly epoch: number },
  nowMs: number,
): SQL {
  return sql`
  UPDATE sessions SET boot_id = '', seen_at = least(seen_at, ${nowMs - leaseTtlMs - 1}::bigint)
  WHERE agent_id = ${session.agentId} AND epoch = ${session.epoch}::bigint`;
}

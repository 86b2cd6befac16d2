// Two statements: rows of the machine side whose time has come, and one that has nothing to wait for.
import { sql, type SQL } from "drizzle-orm";

export function takeDueMachines(
  nowMs: number,
  { leaseMs, limit }: { readonly leaseMs: number; readonly limit: number },
): SQL {
  return sql`
  UPDATE machines SET wake_at = ${nowMs + leaseMs}::bigint
  WHERE uid IN (
    SELECT uid FROM machines WHERE wake_at <= ${nowMs}::bigint
    ORDER BY wake_at LIMIT ${limit}::int FOR UPDATE SKIP LOCKED)
  RETURNING uid`;
}

export function restMachine(uid: string, version: number): SQL {
  return sql`UPDATE machines SET wake_at = NULL WHERE uid = ${uid} AND version = ${version}::bigint`;
}

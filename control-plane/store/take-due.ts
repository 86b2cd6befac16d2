// One statement: hosts and rows of the machine side whose time has come, with their wake times pushed ahead.
import { sql, type SQL } from "drizzle-orm";

export function takeDue(
  nowMs: number,
  { leaseMs, limit }: { readonly leaseMs: number; readonly limit: number },
): SQL {
  const taken = (table: SQL): SQL => sql`
    UPDATE ${table} SET wake_at = ${nowMs + leaseMs}::bigint
    WHERE uid IN (
      SELECT uid FROM ${table} WHERE wake_at <= ${nowMs}::bigint
      ORDER BY wake_at LIMIT ${limit}::int FOR UPDATE SKIP LOCKED)
    RETURNING uid`;
  return sql`
  WITH due_hosts AS (${taken(sql`hosts`)}), due_machines AS (${taken(sql`machines`)})
  SELECT
    (SELECT coalesce(jsonb_agg(uid), '[]') FROM due_hosts) AS hosts,
    (SELECT coalesce(jsonb_agg(uid), '[]') FROM due_machines) AS machines`;
}

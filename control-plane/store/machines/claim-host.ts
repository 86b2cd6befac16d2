// One statement: a machine claims a host, if its row still has the version that the choice was made from.
import { sql } from "drizzle-orm";
import { z } from "zod";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { MachineHostRow } from "../../ports.ts";
import { readRow, type Database } from "../database.ts";
import { jsonText } from "../json-text.ts";
import { hostViewSchema, hostViewSql } from "./host-view-sql.ts";
import { takesHosts } from "./wake-machines.ts";

const answer = z.object({
  found: z.boolean(),
  host: hostViewSchema.nullable(),
  passed_over: z.boolean(),
});

/**
 * The first of the candidates that is free. One whose row is locked, by another claim or by a change of the host, is
 * passed over instead of waited for; when no other is left either, the choice is "stale": what holds the lock
 * decides about the host. A row that was claimed since the statement began is seen as it is now (EvalPlanQual).
 */
export async function claimHost(
  database: Database,
  claim: { readonly uid: string; readonly version: number; readonly candidates: readonly string[] },
  wakeAtMs: number,
): Promise<Result<MachineHostRow | undefined, "stale">> {
  const row = await readRow(
    database,
    answer,
    sql`
    WITH target AS (
        SELECT uid, cluster, namespace FROM machines m
        WHERE m.uid = ${claim.uid} AND m.version = ${claim.version}::bigint
          AND ${takesHosts}
          AND NOT EXISTS (SELECT FROM hosts h WHERE h.machine_uid = m.uid)
        FOR UPDATE
      ),
      candidates AS (
        SELECT c.uid, c.position FROM target t,
          jsonb_array_elements_text(${jsonText(claim.candidates)}::jsonb)
            WITH ORDINALITY AS c(uid, position)
      ),
      picked AS (
        SELECT h.uid FROM target t, candidates c, hosts h
        WHERE h.uid = c.uid AND h.machine_uid IS NULL AND NOT h.deleted
          AND h.cluster = t.cluster AND h.namespace = t.namespace
        ORDER BY c.position LIMIT 1
        FOR UPDATE OF h SKIP LOCKED
      ),
      claimed AS (
        UPDATE hosts h SET machine_uid = ${claim.uid} FROM picked WHERE h.uid = picked.uid
        RETURNING h.*
      ),
      moved AS (
        UPDATE machines m SET
          version = m.version + 1, waiting = false, node = NULL, wake_at = ${wakeAtMs}::bigint
        FROM claimed WHERE m.uid = ${claim.uid}
      )
    SELECT EXISTS (SELECT FROM target) AS found,
      (SELECT host FROM (${hostViewSql("claimed")}) view) AS host,
      EXISTS (
        SELECT FROM target t, candidates c, hosts h
        WHERE h.uid = c.uid AND h.machine_uid IS NULL AND NOT h.deleted
          AND h.cluster = t.cluster AND h.namespace = t.namespace) AS passed_over`,
  );
  if (row.host !== null) return ok(row.host);
  return row.found && !row.passed_over
    ? ok(undefined)
    : err("stale", `machine ${claim.uid} or its hosts were changed meanwhile; decide again`);
}

// One statement: everything that one decision of the machine side writes, if the row still has the version that the
// decision was made from.
import { sql } from "drizzle-orm";
import { z } from "zod";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { MachineCommit } from "../../ports.ts";
import { readRow, type Database } from "../database.ts";
import { jsonText } from "../json-text.ts";
import { queueRows } from "../queue-rows.ts";
import { isChoosing, wakeMachines } from "./wake-machines.ts";

const answer = z.object({ won: z.boolean(), woken: z.array(z.string()) });

/**
 * held: the host that is let go, locked before the machine, as a change of a host locks them. The value: machines of
 * the namespace that wait for one, or may.
 */
export async function commitMachine(
  database: Database,
  commit: MachineCommit,
  wakeAtMs: number,
): Promise<Result<readonly string[], "stale">> {
  const letsGo = commit.release || commit.gone;
  const row = await readRow(
    database,
    answer,
    sql`
    WITH held AS (
        SELECT uid FROM hosts WHERE ${letsGo}::boolean AND machine_uid = ${commit.uid}
        FOR NO KEY UPDATE
      ),
      allowed AS (
        SELECT uid, cluster, namespace FROM machines
        WHERE uid = ${commit.uid} AND version = ${commit.version}::bigint
          AND (SELECT count(*) FROM held) >= 0
        FOR UPDATE
      ),
      released AS (
        UPDATE hosts h SET machine_uid = NULL FROM held, allowed WHERE h.uid = held.uid
        RETURNING h.uid
      ),
      kept AS (
        UPDATE machines m SET
          version = m.version + 1,
          memory = ${jsonText(commit.memory)}::jsonb,
          node = CASE WHEN ${letsGo}::boolean THEN NULL ELSE m.node END,
          waiting = ${commit.waiting}::boolean,
          wake_at = ${commit.wakeAtMs ?? null}::bigint
        FROM allowed a WHERE m.uid = a.uid AND NOT ${commit.gone}::boolean
      ),
      removed AS (
        DELETE FROM machines m USING allowed a WHERE m.uid = a.uid AND ${commit.gone}::boolean
      ),
      ${queueRows(commit.outbox)},
      ${wakeMachines(
        sql`
        SELECT m.uid FROM allowed a JOIN machines m
          ON ${isChoosing} AND m.cluster = a.cluster AND m.namespace = a.namespace
        WHERE m.uid <> a.uid AND EXISTS (SELECT FROM released)`,
        wakeAtMs,
      )}
    SELECT EXISTS (SELECT FROM allowed) AS won,
      (SELECT coalesce(json_agg(uid), '[]') FROM woken) AS woken`,
  );
  return row.won
    ? ok(row.woken)
    : err("stale", `machine ${commit.uid} was changed meanwhile; decide again`);
}

// Hop 5 of 8, next: control-plane/links. One statement: everything that one decision about a host writes, if the
// host's row still has the version that the decision was made from.
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { Claim } from "../../../shared/host/decision.ts";
import type { HostMemory } from "../../../shared/host/snapshot.ts";
import { claimConflictText } from "../../../shared/host/document/claim-conflict.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { CommitError, HostCommit } from "../../ports.ts";
import { readRow, sqlState, uniqueViolation, type Database } from "../database.ts";
import { jsonText, jsonTextOrNull, storable } from "../json-text.ts";
import { isChoosing, wakeMachines } from "../machines/wake-machines.ts";
import { queueRows } from "../queue-rows.ts";

const answer = z.object({
  found: z.boolean(),
  won: z.boolean(),
  conflict: z
    .object({ kind: z.enum(["bmc", "mac"]), value: z.string(), host: z.string().nullable() })
    .nullable(),
  woken: z.array(z.string()),
});

/**
 * "claimed" names the claim, and the other host only where both are in one namespace of one cluster. Two hosts
 * that take a claim at the same moment: the primary key lets one through, the other is "stale" and then sees it.
 */
export async function commitHost(
  database: Database,
  commit: HostCommit,
  wakeAtMs: number,
): Promise<Result<readonly string[], CommitError>> {
  try {
    const row = await readRow(database, answer, statement(commit, wakeAtMs));
    if (row.won) return ok(row.woken);
    if (row.conflict !== null) {
      return err("claimed", claimConflictText(row.conflict, row.conflict.host ?? undefined));
    }
  } catch (thrown) {
    if (sqlState(thrown) !== uniqueViolation) throw thrown;
  }
  return err("stale", `host ${commit.uid} was changed meanwhile; decide again`);
}

/**
 * target: the row, locked, at its version. allowed: no other host holds a claim. Everything else hangs on
 * allowed. The order that matters is forced by reading one part in another: the consumed operation is closed
 * before a new one is opened (a host has one open operation).
 */
function statement(commit: HostCommit, wakeAtMs: number): SQL {
  return sql`
  WITH target AS (
      SELECT uid, cluster, namespace, machine_uid, ${seenSql} AS seen FROM hosts
      WHERE uid = ${commit.uid} AND version = ${commit.version}::bigint
      FOR UPDATE
    ),
    ${claimParts(commit)},
    ${hostParts(commit)},
    ${operationParts(commit)},
    ${queueRows(commit.outbox)},
    ${mootPart(commit)},
    ${wokenPart(commit, wakeAtMs)},
    freed AS (
      UPDATE hosts h SET version = h.version + 1, wake_at = ${wakeAtMs}::bigint
      WHERE h.blocked AND h.uid <> ${commit.uid}
        AND h.site IN (SELECT site FROM released)
    )
  SELECT EXISTS (SELECT FROM target) AS found,
    EXISTS (SELECT FROM allowed) AS won,
    (SELECT jsonb_build_object('kind', kind, 'value', value, 'host', host)
     FROM conflict, target ORDER BY kind LIMIT 1) AS conflict,
    (SELECT coalesce(json_agg(uid), '[]') FROM woken) AS woken`;
}

function claimParts(commit: HostCommit): SQL {
  const kept = commit.claims === undefined;
  const claims = commit.site === undefined || commit.gone ? [] : (commit.claims ?? []);
  return sql`
    wanted (site, kind, value) AS (${valuesOf(commit.site ?? "", claims)}),
    conflict AS (
      SELECT w.kind, w.value,
        CASE WHEN h.cluster = t.cluster AND h.namespace = t.namespace THEN h.name END AS host
      FROM wanted w JOIN claims c USING (site, kind, value) JOIN hosts h ON h.uid = c.host_uid, target t
      WHERE c.host_uid <> ${commit.uid}
    ),
    allowed AS (SELECT * FROM target WHERE NOT EXISTS (SELECT FROM conflict)),
    claimed AS (
      INSERT INTO claims (site, kind, value, host_uid)
      SELECT w.site, w.kind, w.value, a.uid FROM wanted w, allowed a
      WHERE NOT EXISTS (
        SELECT FROM claims c WHERE c.site = w.site AND c.kind = w.kind AND c.value = w.value)
      ORDER BY w.kind, w.value
    ),
    released AS (
      DELETE FROM claims c USING allowed a
      WHERE NOT ${kept}::boolean AND c.host_uid = a.uid AND NOT EXISTS (
        SELECT FROM wanted w WHERE c.site = w.site AND c.kind = w.kind AND c.value = w.value)
      RETURNING c.site
    )`;
}

/** VALUES, not JSON: the planner then knows that there are two at most, and reads claims by their key. */
function valuesOf(site: string, claims: readonly Claim[]): SQL {
  if (claims.length === 0) return sql`SELECT NULL::text, NULL::text, NULL::text WHERE false`;
  const rows = claims.map(
    ({ kind, value }) => sql`(${site}::text, ${kind}::text, ${storable(value)}::text)`,
  );
  return sql`VALUES ${sql.join(rows, sql`, `)}`;
}

function hostParts(commit: HostCommit): SQL {
  return sql`
    kept AS (
      UPDATE hosts h SET
        version = h.version + 1,
        memory = ${jsonText(commit.memory)}::jsonb,
        document = ${jsonTextOrNull(commit.document)}::jsonb,
        site = ${commit.site ?? null},
        power_on = CASE WHEN h.site IS DISTINCT FROM ${commit.site ?? null} THEN NULL ELSE h.power_on END,
        power_at = CASE WHEN h.site IS DISTINCT FROM ${commit.site ?? null} THEN NULL ELSE h.power_at END,
        bmc_problem = CASE WHEN h.site IS DISTINCT FROM ${commit.site ?? null} THEN NULL
                           ELSE h.bmc_problem END,
        blocked = ${commit.blocked}::boolean,
        wake_at = ${commit.wakeAtMs ?? null}::bigint
      FROM allowed a WHERE h.uid = a.uid AND NOT ${commit.gone}::boolean
    ),
    removed AS (
      DELETE FROM hosts h USING allowed a WHERE h.uid = a.uid AND ${commit.gone}::boolean
    )`;
}

function operationParts(commit: HostCommit): SQL {
  const created = commit.gone ? undefined : commit.operation;
  return sql`
    consumed AS (
      UPDATE operations o SET consumed = true FROM allowed a
      WHERE o.host_uid = a.uid AND o.id = ${commit.consumed ?? null}
      RETURNING o.id
    ),
    cancelled AS (
      UPDATE operations o SET cancelled = true FROM allowed a
      WHERE o.host_uid = a.uid AND o.id = ${commit.cancel ?? null}
        AND o.id IS DISTINCT FROM ${commit.consumed ?? null}
      RETURNING o.id
    ),
    created AS (
      INSERT INTO operations (id, host_uid, site, kind, class, operation, state, created_at)
      SELECT n.operation->>'id', a.uid, ${created?.site ?? null},
        n.operation->'payload'->>'kind', n.operation->>'class', n.operation, 'pending',
        ${created?.createdAtMs ?? null}::bigint
      FROM (SELECT ${jsonTextOrNull(created?.operation)}::jsonb AS operation) n, allowed a
      WHERE n.operation IS NOT NULL AND (SELECT count(*) FROM consumed) >= 0
    )`;
}

/**
 * With a consumed operation goes what still waited to be said about it; with a host that is gone the operation that
 * waited to be ordered: nothing would hold it back any more.
 */
function mootPart(commit: HostCommit): SQL {
  return sql`
    moot AS (
      DELETE FROM outbox o USING consumed c
      WHERE o.host_uid = ${commit.uid} AND o.key IN ('operation:' || c.id, 'cancel:' || c.id)
    ),
    unordered AS (
      DELETE FROM outbox o USING allowed a
      WHERE ${commit.gone}::boolean AND o.host_uid = a.uid AND o.key LIKE 'operation:%'
        AND o.key NOT IN (SELECT 'operation:' || c.id FROM consumed c)
    )`;
}

/** What the machine side sees of a host's memory: state, error, operational status, power, identity. */
const seenSql = sql.raw(`jsonb_build_array(memory->'status'->'provisioning'->'state',
  memory->'status'->'errorMessage', memory->'status'->'operationalStatus',
  memory->'status'->'poweredOn', memory->'identity')`);

function seenOf({ status, identity }: HostMemory): string {
  const { provisioning, errorMessage, operationalStatus, poweredOn } = status;
  return jsonText([provisioning.state, errorMessage, operationalStatus, poweredOn, identity]);
}

/** Who has claimed the host, when it is another for it, or gone; else who waits for one, when it became free. */
function wokenPart(commit: HostCommit, wakeAtMs: number): SQL {
  const seen = sql`${seenOf(commit.memory)}::jsonb`;
  return wakeMachines(
    sql`
      SELECT machine_uid FROM allowed
      WHERE machine_uid IS NOT NULL AND (${commit.gone}::boolean OR seen <> ${seen})
      UNION ALL
      SELECT m.uid FROM allowed a JOIN machines m
        ON ${isChoosing} AND m.cluster = a.cluster AND m.namespace = a.namespace
      WHERE a.machine_uid IS NULL AND NOT ${commit.gone}::boolean
        AND ${isFree(seen)} AND ${isFree(sql`a.seen`)} IS NOT TRUE`,
    wakeAtMs,
  );
}

function isFree(seen: SQL): SQL {
  return sql`(${seen}->>0 IN ('ready', 'available') AND ${seen}->>1 = '')`;
}

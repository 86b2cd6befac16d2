// Hop 5 of 8, next: control-plane/links. One statement: everything that one decision about a host writes, if the
// host's row still has the version that the decision was made from.
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { Claim } from "../../../shared/host/decision.ts";
import { claimConflictText } from "../../../shared/host/document/claim-conflict.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { CommitError, HostCommit } from "../../ports.ts";
import { readRow, sqlState, uniqueViolation, type Database } from "../database.ts";
import { jsonText, jsonTextOrNull, storable } from "../json-text.ts";

const answer = z.object({
  found: z.boolean(),
  won: z.boolean(),
  conflict: z
    .object({ kind: z.enum(["bmc", "mac"]), value: z.string(), host: z.string().nullable() })
    .nullable(),
});

/**
 * "claimed" names the claim, and the other host only where both are in one namespace of one cluster. Two hosts
 * that take a claim at the same moment: the primary key lets one through, the other is "stale" and then sees it.
 */
export async function commitHost(
  database: Database,
  commit: HostCommit,
  wakeAtMs: number,
): Promise<Result<void, CommitError>> {
  try {
    const row = await readRow(database, answer, statement(commit, wakeAtMs));
    if (row.won) return ok(undefined);
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
      SELECT uid, cluster, namespace FROM hosts
      WHERE uid = ${commit.uid} AND version = ${commit.version}::bigint
      FOR UPDATE
    ),
    ${claimParts(commit)},
    ${hostParts(commit)},
    ${operationParts(commit)},
    ${outboxParts(commit)},
    freed AS (
      UPDATE hosts h SET version = h.version + 1, wake_at = ${wakeAtMs}::bigint
      WHERE h.blocked AND h.uid <> ${commit.uid}
        AND h.site IN (SELECT site FROM released)
    )
  SELECT EXISTS (SELECT FROM target) AS found,
    EXISTS (SELECT FROM allowed) AS won,
    (SELECT jsonb_build_object('kind', kind, 'value', value, 'host', host)
     FROM conflict, target ORDER BY kind LIMIT 1) AS conflict`;
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
    allowed AS (SELECT uid FROM target WHERE NOT EXISTS (SELECT FROM conflict)),
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
 * A row that waits already, or was sent and not answered, is not queued twice. A status that was sent may have been
 * written: when it is replaced, older ones go with it. With a consumed operation goes what still waited to be said
 * about it.
 */
function outboxParts(commit: HostCommit): SQL {
  return sql`
    given AS (
      SELECT r.row->>'link' AS link, r.row->>'key' AS key, r.row->>'hostUid' AS host_uid,
        r.row->'delivery' AS delivery, r.position
      FROM jsonb_array_elements(${jsonText(commit.outbox)}::jsonb)
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
    moot AS (
      DELETE FROM outbox o USING consumed c
      WHERE o.host_uid = ${commit.uid} AND o.key IN ('operation:' || c.id, 'cancel:' || c.id)
    ),
    queued AS (
      INSERT INTO outbox (link, key, host_uid, delivery)
      SELECT g.link, g.key, g.host_uid, g.delivery FROM given g
      WHERE NOT EXISTS (
        SELECT FROM outbox o WHERE o.link = g.link AND o.key = g.key AND o.delivery = g.delivery)
      ORDER BY g.position
    )`;
}

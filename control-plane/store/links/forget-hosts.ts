// Parts of the statement that opens a session: a database that went back in time must not act on what it believes
// about the hosts of the agent that proves it. They become as a host that this database never knew, and are taken
// over anew from Kubernetes, once the feeds of their clusters have been listed whole (shared/host/adopt.ts).
import { sql, type SQL } from "drizzle-orm";
import { wakeMachines } from "../machines/wake-machines.ts";

/** Columns of a host of which only its object, its site and its claims are known. */
const unknownSql = sql.raw(
  `memory = NULL, document = NULL, power_on = NULL, power_at = NULL, bmc_problem = NULL,
        blocked = false, machine_uid = NULL`,
);

/** A condition on no row: where it is false, as in nearly every hello, no table is read for the rest. */
const hasRegressed = sql.raw("(SELECT regressed FROM agent)");

/**
 * CTEs over `agent`, `wanted` and `opened`; `forgotten` (uid, cluster) are the hosts, woken. Their
 * site stays: it holds them. So do their claims: whoever held a machine then comes before another that names it.
 */
export function forgetParts(wakeAtMs: number): SQL {
  return sql`
    forgotten AS (
      UPDATE hosts h SET ${unknownSql}, version = h.version + 1, wake_at = ${wakeAtMs}::bigint
      FROM agent
      WHERE ${hasRegressed} AND (h.site = agent.site OR h.cluster = agent.cluster)
      RETURNING h.uid, h.cluster
    ),
    stale_clusters AS (
      SELECT cluster FROM forgotten
      UNION SELECT cluster FROM agent WHERE regressed AND cluster IS NOT NULL
    ),
    ${forgetMachines(wakeAtMs)},
    ${forgetRows(hasRegressed)},
    unlisted AS (
      UPDATE feeds f SET cursor = '' FROM stale_clusters c WHERE f.cluster = c.cluster
    ),
    unlisted_machines AS (
      UPDATE machine_feeds f SET cursor = '' FROM stale_clusters c WHERE f.cluster = c.cluster
    ),
    fenced AS (
      UPDATE links l SET epoch = opened.epoch FROM opened, stale_clusters c
      WHERE l.name = 'cluster:' || c.cluster AND l.name NOT IN (SELECT name FROM wanted)
    )`;
}

/** Of the same clusters: whose a host is, Kubernetes shows (spec.consumerRef). */
function forgetMachines(wakeAtMs: number): SQL {
  return sql`
    forgotten_machines AS (
      UPDATE machines m SET
        memory = NULL, node = NULL, waiting = false,
        version = m.version + 1, wake_at = ${wakeAtMs}::bigint
      FROM stale_clusters c WHERE m.cluster = c.cluster
      RETURNING m.uid
    ),
    unclaimed AS (
      UPDATE hosts h SET machine_uid = NULL FROM stale_clusters c
      WHERE h.cluster = c.cluster AND h.machine_uid IS NOT NULL
        AND h.uid NOT IN (SELECT uid FROM forgotten)
    )`;
}

function forgetRows(condition: SQL): SQL {
  const forgotten = sql`${condition} AND host_uid IN (SELECT uid FROM forgotten)`;
  const anything = sql`${condition} AND host_uid IN (SELECT uid FROM forgotten_rows)`;
  return sql`
    forgotten_rows AS MATERIALIZED (
      SELECT uid FROM forgotten UNION ALL SELECT uid FROM forgotten_machines
    ),
    no_operations AS (DELETE FROM operations WHERE ${forgotten}),
    no_outbox AS (DELETE FROM outbox WHERE ${anything}),
    no_facts AS (DELETE FROM secret_facts WHERE ${forgotten})`;
}

/**
 * Once more, before anything is delivered: a decision that was committed at the same moment has left rows that the
 * first statement could not see. After it none can: the hosts' versions moved on.
 */
export function forgetAgain(agentId: string): SQL {
  return sql`
  WITH forgotten AS (
      SELECT h.uid, h.cluster FROM hosts h JOIN agents a ON h.site = a.site OR h.cluster = a.cluster
      WHERE a.id = ${agentId} AND h.memory IS NULL
    ),
    forgotten_machines AS (
      SELECT m.uid FROM machines m
      WHERE m.memory IS NULL AND m.cluster IN (
        SELECT cluster FROM forgotten UNION ALL SELECT cluster FROM agents WHERE id = ${agentId})
    ),
    ${forgetRows(sql.raw("true"))}
  SELECT 1`;
}

/**
 * One statement: the same for one host, where Kubernetes proves it (shared/host/adopt.ts). Facts of Secrets stay: they
 * are compared at each welcome.
 */
export function forgetHost(
  { uid, version }: { readonly uid: string; readonly version: number },
  wakeAtMs: number,
): SQL {
  return sql`
  WITH target AS (
      SELECT uid, machine_uid FROM hosts
      WHERE uid = ${uid} AND version = ${version}::bigint FOR UPDATE
    ),
    forgotten AS (
      UPDATE hosts h SET ${unknownSql}, version = h.version + 1, wake_at = ${wakeAtMs}::bigint
      FROM target t WHERE h.uid = t.uid
    ),
    no_operations AS (DELETE FROM operations WHERE host_uid IN (SELECT uid FROM target)),
    no_outbox AS (DELETE FROM outbox WHERE host_uid IN (SELECT uid FROM target)),
    ${wakeMachines(sql`SELECT machine_uid FROM target`, wakeAtMs)}
  SELECT uid FROM woken`;
}

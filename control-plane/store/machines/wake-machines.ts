// Parts of statements that wake rows of the machine side: what may change a decision about one raises its version and
// sets its wake time in the same statement.
import { sql, type SQL } from "drizzle-orm";
import { hostTaker } from "../../../shared/protocol/write-back.ts";
import type { FoldedBatch } from "../hosts/feed-batch.ts";

/**
 * CTE `woken` (uid): the rows whose uids the query gives. Locked in one order, so that two statements that wake the
 * same rows do not wait for each other. MATERIALIZED as in hosts/apply-secrets.ts.
 */
export function wakeMachines(uids: SQL, wakeAtMs: number): SQL {
  return sql`
    woken AS (
      UPDATE machines m SET version = m.version + 1, wake_at = ${wakeAtMs}::bigint
      FROM (
        WITH named (uid) AS MATERIALIZED (${uids})
        SELECT uid FROM machines WHERE uid IN (SELECT uid FROM named) ORDER BY uid FOR NO KEY UPDATE
      ) w
      WHERE m.uid = w.uid
      RETURNING m.uid
    )`;
}

/**
 * All rows of the cluster, with the first whole list of a resource: CTE `gate`. Only a last page can be that: were this
 * in every statement, the planner would count with all rows, and read them.
 */
export function ofCompleteFeed(cluster: string, { last }: Pick<FoldedBatch, "last">): SQL {
  return last
    ? sql`SELECT m.uid FROM machines m, gate WHERE gate.completes AND m.cluster = ${cluster}`
    : sql`SELECT m.uid FROM machines m WHERE false`;
}

/** Whether the row `m` is of a kind that takes hosts. */
export const takesHosts = sql.raw(
  `m.resource IN (${hostTaker.options.map((resource) => `'${resource}'`).join(", ")})`,
);

/**
 * Whether the row `m` waits for a host, or may be about to: a decision that is under way was made from what was before,
 * and must not put it to rest. Its object, which is large, is looked at last.
 */
export const isChoosing = sql`(m.waiting OR m.wake_at IS NOT NULL)
  AND (m.waiting OR ${takesHosts}
    AND CASE WHEN EXISTS (SELECT FROM hosts c WHERE c.machine_uid = m.uid) THEN false
      ELSE m.object->'metadata'->'deletionTimestamp' IS NULL END)`;

/** MachineSets of a namespace: FROM items after one whose column `c.namespace` it is. */
export function joinMachineSets(cluster: string): SQL {
  return sql`
    JOIN machines m ON m.cluster = ${cluster} AND m.namespace = c.namespace
      AND m.resource = 'machinesets.machine.openshift.io'`;
}

/** Metal3Machines of a Cluster: FROM items after one whose columns `c` are its namespace and name. */
export function joinMachinesOf(cluster: string): SQL {
  return sql`
    JOIN objects w ON w.cluster = ${cluster} AND w.resource = 'machines.cluster.x-k8s.io'
      AND w.namespace = c.namespace AND w.object->'spec'->>'clusterName' = c.name
    JOIN machines m ON m.cluster = ${cluster} AND m.owner_uid = w.uid`;
}

/**
 * What decisions of the machine side read of an object of Kubernetes: a change of anything else, as of a count in its
 * status, or of what is still not ready, wakes nobody. Of a host the status is Farrier's own.
 */
export function lookedAt(object: string): SQL {
  return sql.raw(`jsonb_build_array(${object}->'spec', ${object}->'metadata'->'labels',
    ${object}->'metadata'->'annotations', ${object}->'metadata'->'deletionTimestamp',
    ${object}->'status'->'initialization'->'infrastructureProvisioned', ${object}->'status'->'nodeRef',
    coalesce(jsonb_path_query_array(${object}->'status'->'deprecated'->'v1beta1'->'conditions',
      '$[*] ? ((@.type == "InfrastructureReady" || @.type == "BootstrapReady") && @.status == "True").type'), '[]'))`);
}

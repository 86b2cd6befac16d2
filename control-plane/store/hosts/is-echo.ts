// Whether a newer form of an object tells a decision nothing: two of five decisions would follow the echo of a status
// that was just written.
import { sql, type SQL } from "drizzle-orm";

/**
 * Over the row `h` and `excluded`, which takes its place. Nothing but the status has changed, it does not show another
 * state (work waits for that), and it is the one that was decided or this one is still to be written over it. Null
 * where there is no memory.
 */
export const isEcho: SQL = sql.raw(`(
  h.memory->'status'->'lastUpdated' IS NOT NULL
  AND (h.namespace, h.name, h.deleted) = (excluded.namespace, excluded.name, excluded.deleted)
  AND ${withState("h.object")} = ${withState("excluded.object")}
  AND (excluded.object->'status' = h.memory->'status' OR EXISTS (
    SELECT FROM outbox o WHERE o.link = 'cluster:' || h.cluster
      AND o.key = 'status:' || h.uid || ':' || (h.memory->'status'->'provisioning'->>'state')
      AND o.delivery->'write'->'status' = h.memory->'status')))`);

/** The same for the row of a Metal3Machine or Metal3Cluster, whose statuses nobody else writes. */
export const isMachineEcho: SQL = sql.raw(`(
  h.memory IS NOT NULL AND h.resource IN ('metal3machines', 'metal3clusters')
  AND (h.namespace, h.name, h.deleted) = (excluded.namespace, excluded.name, excluded.deleted)
  AND ${decidedFrom("h.object")} = ${decidedFrom("excluded.object")}
  AND (excluded.object->'status' = h.memory->'status' OR EXISTS (
    SELECT FROM outbox o WHERE o.link = 'cluster:' || h.cluster AND o.key = 'status:' || h.uid
      AND o.delivery->'write'->'status' = h.memory->'status')))`);

function withState(object: string): string {
  return `jsonb_build_array(${decidedFrom(object)}, ${object}->'status'->'provisioning'->'state')`;
}

function decidedFrom(object: string): string {
  return `(${object} - 'status' #- '{metadata,resourceVersion}' #- '{metadata,managedFields}')`;
}

// Whether a newer form of a BareMetalHost tells a decision nothing: two of five decisions would follow the echo of a
// status that was just written.
import { sql, type SQL } from "drizzle-orm";

/**
 * Over the row `h` and `excluded`, which takes its place. Nothing but the status has changed, it does not show another
 * state (work waits for that), and it is the one that was decided or this one is still to be written over it. Null
 * where there is no memory.
 */
export const isEcho: SQL = sql.raw(`(
  h.memory->'status'->'lastUpdated' IS NOT NULL
  AND (h.namespace, h.name, h.deleted) = (excluded.namespace, excluded.name, excluded.deleted)
  AND ${decidedFrom("h.object")} = ${decidedFrom("excluded.object")}
  AND (excluded.object->'status' = h.memory->'status' OR EXISTS (
    SELECT FROM outbox o WHERE o.link = 'cluster:' || h.cluster
      AND o.key = 'status:' || h.uid || ':' || (h.memory->'status'->'provisioning'->>'state')
      AND o.delivery->'write'->'status' = h.memory->'status')))`);

function decidedFrom(object: string): string {
  return `jsonb_build_array(${object} - 'status' #- '{metadata,resourceVersion}' #- '{metadata,managedFields}',
    ${object}->'status'->'provisioning'->'state')`;
}

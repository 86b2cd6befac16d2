// One statement: folds an agent's observations into operations and hosts, and moves the watermark. A repeated
// observation (an agent numbers what was not committed anew after a restart) changes nothing: an ended operation
// stays as it ended.
import { sql, type SQL } from "drizzle-orm";
import type { Observation } from "../../../shared/protocol/observation.ts";
import { jsonText } from "../json-text.ts";

export interface ObservationSender {
  readonly agentId: string;
  readonly epoch: number;
  readonly turn?: number | undefined;
}

/**
 * Only of the agent's own site: an operation must have been given to that site, and must not have been accepted
 * by another agent; power and BMC facts count only for hosts of the site. An agent's clock may be an hour off:
 * its times are kept between the operation's creation and now.
 */
export function acceptObservations(
  sender: ObservationSender,
  items: readonly Observation[],
  times: { readonly nowMs: number; readonly wakeAtMs: number },
): SQL {
  const given = items.map(({ seq, atMs, body }) => ({ seq, at: Math.trunc(atMs), body }));
  return sql`
  WITH gate AS (
      SELECT s.agent_id, s.committed_seq, a.site FROM sessions s JOIN agents a ON a.id = s.agent_id
      WHERE s.agent_id = ${sender.agentId} AND s.epoch = ${sender.epoch}::bigint
        AND coalesce(${sender.turn ?? null}::bigint, s.turn) = s.turn AND a.state = 'approved'
      FOR UPDATE OF s
    ),
    items AS (
      SELECT i.seq, i.at, i.body, i.body->>'kind' AS kind, i.body->>'hostUid' AS host_uid,
        i.body->>'operationId' AS operation_id
      FROM jsonb_to_recordset(${jsonText(given)}::jsonb) AS i(seq bigint, at bigint, body jsonb), gate
      WHERE i.seq > gate.committed_seq
    ),
    ${workParts(times.nowMs)},
    ${hostParts(times.wakeAtMs)},
    moved AS (
      UPDATE sessions s SET
        committed_seq = greatest(s.committed_seq, (SELECT max(seq) FROM items)),
        turn = s.turn + 1, seen_at = ${times.nowMs}::bigint
      FROM gate WHERE s.agent_id = gate.agent_id
      RETURNING s.committed_seq
    )
  SELECT (SELECT committed_seq FROM moved) AS committed,
    (SELECT coalesce(json_agg(uid), '[]') FROM touched) AS touched,
    (SELECT count(*)::int FROM items i, gate WHERE i.kind <> 'stranger' AND CASE
       WHEN i.operation_id IS NULL
         THEN NOT EXISTS (SELECT FROM hosts h WHERE h.uid = i.host_uid AND h.site = gate.site)
       ELSE NOT EXISTS (SELECT FROM work w WHERE w.id = i.operation_id) END) AS refused`;
}

function workParts(nowMs: number): SQL {
  return sql`
    work AS (
      SELECT o.id,
        bool_or(i.kind <> 'operation-accepted') AS running,
        bool_or(i.kind = 'operation-succeeded' OR (i.body->'failure'->>'destroyed')::boolean) AS destroyed,
        min(i.at) FILTER (WHERE i.kind = 'operation-started') AS started_at,
        (array_agg(i.body->'progress' ORDER BY i.seq DESC)
          FILTER (WHERE i.kind = 'operation-progress'))[1] AS progress,
        (array_agg(i.body->'result' ORDER BY i.seq)
          FILTER (WHERE i.kind = 'operation-succeeded'))[1] AS result,
        (array_agg(i.body->'failure' ORDER BY i.seq)
          FILTER (WHERE i.kind = 'operation-failed'))[1] AS failure,
        max(i.at) FILTER (WHERE i.kind IN ('operation-succeeded', 'operation-failed')) AS ended_at
      FROM items i JOIN operations o ON o.id = i.operation_id AND o.host_uid = i.host_uid, gate
      WHERE o.site = gate.site AND coalesce(o.agent_id, gate.agent_id) = gate.agent_id
      GROUP BY o.id
    ),
    changed AS (
      UPDATE operations o SET
        state = CASE WHEN w.failure IS NOT NULL THEN 'failed'
                     WHEN w.result IS NOT NULL THEN 'succeeded'
                     WHEN w.running THEN 'running'
                     WHEN o.state = 'pending' THEN 'accepted'
                     ELSE o.state END,
        agent_id = gate.agent_id,
        started_at = coalesce(o.started_at,
          least(greatest(w.started_at, o.created_at), ${nowMs}::bigint)),
        ended_at = least(greatest(w.ended_at, o.created_at), ${nowMs}::bigint),
        progress = coalesce(w.progress, o.progress),
        result = CASE WHEN w.failure IS NULL THEN w.result END,
        failure = w.failure
      FROM work w, gate
      WHERE o.id = w.id AND o.state NOT IN ('succeeded', 'failed')
      RETURNING o.host_uid
    ),
    late AS (
      SELECT o.host_uid, max(o.id COLLATE "C") AS id FROM work w JOIN operations o ON o.id = w.id
      WHERE o.class = 'once' AND o.state = 'failed' AND NOT (o.failure->>'destroyed')::boolean
        AND w.destroyed
      GROUP BY o.host_uid
    )`;
}

function hostParts(wakeAtMs: number): SQL {
  return sql`
    facts AS (
      SELECT i.host_uid,
        (array_agg((i.body->>'on')::boolean ORDER BY i.seq DESC)
          FILTER (WHERE i.kind = 'power'))[1] AS power_on,
        (array_agg(i.at ORDER BY i.seq DESC) FILTER (WHERE i.kind = 'power'))[1] AS power_at,
        bool_or(i.kind = 'bmc') AS bmc,
        (array_agg(i.body->>'problem' ORDER BY i.seq DESC) FILTER (WHERE i.kind = 'bmc'))[1] AS problem
      FROM items i WHERE i.host_uid IS NOT NULL GROUP BY i.host_uid
    ),
    touched AS (
      UPDATE hosts h SET
        version = h.version + 1, wake_at = ${wakeAtMs}::bigint,
        power_on = CASE WHEN f.own THEN coalesce(f.power_on, h.power_on) ELSE h.power_on END,
        power_at = CASE WHEN f.own THEN coalesce(f.power_at, h.power_at) ELSE h.power_at END,
        bmc_problem = CASE WHEN f.own AND f.bmc THEN f.problem ELSE h.bmc_problem END,
        memory = CASE WHEN f.late IS NULL THEN h.memory
                      ELSE jsonb_set(h.memory, '{lateWork}', to_jsonb(f.late)) END
      FROM (
        SELECT facts.*, coalesce(o.site = gate.site, false) AS own, late.id AS late
        FROM facts JOIN hosts o ON o.uid = facts.host_uid
          LEFT JOIN late ON late.host_uid = facts.host_uid, gate
      ) f
      WHERE h.uid = f.host_uid AND (f.late IS NOT NULL OR h.uid IN (SELECT host_uid FROM changed)
        OR (f.own AND (f.bmc OR f.power_on IS NOT NULL)))
      RETURNING h.uid
    )`;
}

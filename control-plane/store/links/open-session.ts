// One statement: an agent's hello becomes its session. It bumps the epoch, takes the agent's links if nobody else
// holds them, ends work that was lost with another agent, and queues what the agent should hold and does not. When
// the agent has heard more than this database knows, what is believed about its hosts is forgotten.
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { LinkStore, OpenedSession, OpeningError } from "../../ports.ts";
import { readRows, type Database } from "../database.ts";
import { jsonText } from "../json-text.ts";
import { besideAnotherMs, leaseTtlMs, siteDegradedAfterMs } from "../../lease-times.table.ts";
import { forgetAgain, forgetParts } from "./forget-hosts.ts";

export type Opening = Parameters<LinkStore["openSession"]>[0];
export interface OpeningTimes {
  readonly nowMs: number;
  readonly wakeAtMs: number;
}

const answer = z.object({
  verdict: z.enum(["open", "superseded", "cloned", "standby"]),
  epoch: z.coerce.number().nullable(),
  committed: z.coerce.number().nullable(),
  site: z.string().nullable(),
  cluster: z.string().nullable(),
  missing: z.boolean(),
  resync: z.boolean(),
  regressed: z.boolean(),
  after_another: z.boolean(),
  others_seen_at: z.coerce.number(),
  touched: z.array(z.string()),
  over: z.array(z.string()),
});

export async function openSession(
  database: Database,
  opening: Opening,
  times: OpeningTimes,
): Promise<Result<OpenedSession, OpeningError>> {
  const [row] = await readRows(database, answer, statement(opening, times));
  if (row === undefined) return err("superseded", "the agent is not approved any more");
  if (row.verdict === "standby" || row.missing) {
    return err("standby", "another agent acts for the site or the cluster");
  }
  if (row.regressed) await database.rows(forgetAgain(opening.agentId));
  if (row.verdict === "open" && row.epoch !== null && row.committed !== null) {
    return ok({
      epoch: row.epoch,
      committedSeq: row.committed,
      site: row.site ?? undefined,
      cluster: row.cluster ?? undefined,
      resync: row.resync,
      regressed: row.regressed,
      afterAnother: row.after_another,
      othersSeenAtMs: row.others_seen_at,
      touched: row.touched,
      over: row.over,
    });
  }
  if (row.verdict === "cloned") {
    const counter = `the counter ${opening.counter} was used before`;
    return err("cloned", `${counter}: two agents have one identity`);
  }
  return row.verdict === "open"
    ? err("occupied", "an earlier process of this agent was heard a moment ago")
    : err("superseded", "a later session of this agent is open");
}

/** In one statement; an agent that has heard of more tries again. */
const mostEpochsPassedOver = 1_000_000;

const interrupted = {
  kind: "interrupted",
  message: "The agent that ran this is gone; how far it came is not known.",
  destroyed: true,
};

function statement(opening: Opening, times: OpeningTimes): SQL {
  return sql`
  WITH ${sessionParts(opening, times)},
    ${refusedPart(times)},
    ${linkParts(opening, times)},
    ${forgetParts(times.wakeAtMs)},
    ${lostParts(opening, times)},
    ${resyncParts(opening)},
    touched AS (
      UPDATE hosts h SET version = h.version + 1, wake_at = ${times.wakeAtMs}::bigint
      FROM mine
      WHERE h.site = mine.site AND (mine.was_away OR h.uid IN (SELECT host_uid FROM lost))
      RETURNING h.uid
    )
  SELECT agent.verdict,
    (SELECT epoch FROM opened) AS epoch, (SELECT committed_seq FROM opened) AS committed,
    agent.site, agent.cluster,
    (SELECT count(*) FROM taken) < (SELECT count(*) FROM opened, wanted) AS missing,
    agent.regressed OR EXISTS (SELECT FROM stale) AS resync, agent.regressed,
    agent.other_seen_at >= ${times.nowMs - besideAnotherMs}::bigint AS after_another,
    coalesce((SELECT others_seen_at FROM taken WHERE name = 'site:' || agent.site), 0)
      AS others_seen_at,
    ${over(opening)} AS over,
    (SELECT coalesce(json_agg(uid), '[]')
     FROM (SELECT uid FROM touched UNION ALL SELECT uid FROM forgotten) woken) AS touched
  FROM agent`;
}

/**
 * verdict: a counter that does not grow is an older hello of the same boot, or a copy of the agent; an agent that
 * cannot have all its links gets no session. Two that stand by may both find a link free: the second is `missing`
 * it, its session holds nothing and is not used. opened: no row while another process of the agent may hold its lease.
 * regressed: the database went back in time; the agent was at work since, so it is the one to go on. Its new epoch is
 * above what it has heard; the numbers between are used up, for a sequence that is set could be set back.
 */
function sessionParts(opening: Opening, times: OpeningTimes): SQL {
  const { epoch, turn } = opening.heard ?? { epoch: 0, turn: 0 };
  return sql`
    known AS (
      SELECT a.id, a.site, a.cluster, a.counter, a.boot_id,
        ${opening.counter}::bigint > a.counter AND (${epoch}::bigint, ${turn}::bigint)
          > (coalesce(s.epoch, 0), coalesce(s.turn, 0)) AS regressed,
        coalesce(CASE WHEN s.boot_id IN ('', ${opening.bootId}) THEN s.other_seen_at ELSE s.seen_at END, 0)
          AS other_seen_at,
        coalesce(s.boot_id = ${opening.bootId}, false) AS is_same
      FROM agents a LEFT JOIN sessions s ON s.agent_id = a.id
      WHERE a.id = ${opening.agentId} AND a.state = 'approved'
      FOR UPDATE OF a
    ),
    agent AS (
      SELECT a.id, a.site, a.cluster, a.regressed, a.other_seen_at, a.is_same,
        CASE WHEN ${opening.counter}::bigint <= a.counter
               THEN CASE WHEN a.boot_id = ${opening.bootId} THEN 'superseded' ELSE 'cloned' END
             WHEN NOT a.regressed AND EXISTS (
               SELECT FROM links l
               WHERE l.name IN ('site:' || a.site, 'cluster:' || a.cluster) AND l.agent_id <> a.id
                 AND l.seen_at >= ${times.nowMs - leaseTtlMs}::bigint) THEN 'standby'
             ELSE 'open' END AS verdict
      FROM known a
    ),
    wanted AS (
      SELECT n.name FROM agent,
        LATERAL (VALUES ('site:' || agent.site), ('cluster:' || agent.cluster)) AS n(name)
      WHERE n.name IS NOT NULL
    ),
    counted AS (
      UPDATE agents a SET
        state = CASE WHEN agent.verdict = 'cloned' THEN 'suspended' ELSE a.state END,
        counter = greatest(a.counter, ${opening.counter}::bigint),
        boot_id = CASE WHEN agent.verdict IN ('open', 'standby') THEN ${opening.bootId}
                       ELSE a.boot_id END
      FROM agent WHERE a.id = agent.id
      RETURNING a.id, agent.verdict
    ),
    opened AS (
      INSERT INTO sessions AS s
        (agent_id, epoch, boot_id, committed_seq, token_hash, instance, program_version, seen_at,
         other_seen_at)
      SELECT id, (
          SELECT max(nextval('epochs')) FROM generate_series(0, least(${mostEpochsPassedOver}::bigint,
            greatest(0, ${epoch}::bigint - (SELECT last_value - (NOT is_called)::int FROM epochs))))
        ), ${opening.bootId}, 0, ${opening.tokenHash}, ${opening.instance},
        ${opening.programVersion}, ${times.nowMs}::bigint, (SELECT other_seen_at FROM agent)
      FROM counted WHERE verdict = 'open'
      ON CONFLICT (agent_id) DO UPDATE SET
        epoch = excluded.epoch, turn = 0, boot_id = excluded.boot_id,
        committed_seq = CASE WHEN s.boot_id = excluded.boot_id THEN s.committed_seq ELSE 0 END,
        token_hash = excluded.token_hash, instance = excluded.instance,
        program_version = excluded.program_version, seen_at = excluded.seen_at,
        other_seen_at = excluded.other_seen_at
      WHERE s.boot_id = excluded.boot_id OR s.seen_at < ${times.nowMs - leaseTtlMs}::bigint
        OR (SELECT regressed FROM agent)
      RETURNING agent_id, epoch, committed_seq
    )`;
}

/** Who is still there, where none was opened, hears of it with its next renewal. */
function refusedPart({ nowMs }: OpeningTimes): SQL {
  return sql`
    refused AS (
      UPDATE sessions s SET other_seen_at = ${nowMs}::bigint FROM counted
      WHERE s.agent_id = counted.id AND counted.verdict = 'open' AND NOT EXISTS (SELECT FROM opened)
    )`;
}

/**
 * behind: as a link that is new, or was away. others_seen_at: as in the session's row, of whoever was given operations
 * that this agent has not heard of. mine: the site whose hosts this database knows.
 */
function linkParts(opening: Opening, times: OpeningTimes): SQL {
  const { tellsCaughtUp = false, heard: { epoch, turn } = { epoch: 0, turn: 0 } } = opening;
  return sql`
    taken AS (
      INSERT INTO links AS l (name, agent_id, epoch, seen_at, behind)
      SELECT wanted.name, opened.agent_id, opened.epoch, ${times.nowMs}::bigint,
        ${tellsCaughtUp}::boolean AND wanted.name LIKE 'cluster:%'
      FROM opened, wanted ORDER BY wanted.name
      ON CONFLICT (name) DO UPDATE SET
        agent_id = excluded.agent_id, epoch = excluded.epoch, seen_at = excluded.seen_at,
        behind = excluded.behind AND (l.behind OR l.seen_at < ${times.nowMs - leaseTtlMs}::bigint),
        others_seen_at = CASE
          WHEN (${epoch}::bigint, ${turn}::bigint) >= (l.given_epoch, l.given_turn)
            OR (l.agent_id = excluded.agent_id AND (SELECT is_same FROM agent)) THEN l.others_seen_at
          ELSE l.seen_at END
      WHERE l.agent_id = excluded.agent_id OR l.seen_at < ${times.nowMs - leaseTtlMs}::bigint
        OR (SELECT regressed FROM agent)
      RETURNING name, others_seen_at
    ),
    mine AS (
      SELECT agent.site,
        coalesce((SELECT l.seen_at FROM links l WHERE l.name = 'site:' || agent.site), 0)
          < ${times.nowMs - siteDegradedAfterMs}::bigint AS was_away
      FROM agent, taken WHERE taken.name = 'site:' || agent.site AND NOT agent.regressed
    )`;
}

/**
 * Work that another agent had accepted: what may run twice is asked for again, the rest ends. So does work that this
 * agent had accepted and knows nothing of: a copy of it did, or its disk is an older one.
 */
function lostParts(opening: Opening, times: OpeningTimes): SQL {
  const { agentId, inFlight } = opening;
  const ends = sql`(o.class = 'once' OR o.agent_id = ${agentId})`;
  const isUnknown =
    inFlight === undefined
      ? sql`false`
      : sql`o.id NOT IN (SELECT jsonb_array_elements_text(${jsonText(inFlight)}::jsonb))`;
  return sql`
    lost AS (
      UPDATE operations o SET
        state = CASE WHEN ${ends} THEN 'failed' ELSE 'pending' END,
        failure = CASE WHEN ${ends} THEN ${jsonText(interrupted)}::jsonb END,
        ended_at = CASE WHEN ${ends} THEN ${times.nowMs}::bigint END,
        agent_id = NULL
      FROM mine
      WHERE o.site = mine.site AND NOT o.consumed AND o.state IN ('accepted', 'running')
        AND o.agent_id IS NOT NULL AND (o.agent_id <> ${agentId} OR ${isUnknown})
      RETURNING o.id, o.host_uid, o.state
    )`;
}

/** What the agent still has of work that ended without it: told by a copy of it, or lost when another agent came. */
function over({ inFlight = [] }: Opening): SQL {
  return sql`(
    SELECT coalesce(json_agg(o.id ORDER BY o.id COLLATE "C"), '[]') FROM operations o, mine
    WHERE o.site = mine.site AND o.id IN (SELECT jsonb_array_elements_text(${jsonText(inFlight)}::jsonb))
      AND (o.consumed OR o.state IN ('succeeded', 'failed')
        OR o.id IN (SELECT id FROM lost WHERE state = 'failed')))`;
}

/**
 * When the digest of the agent's documents is not that of the site's: all documents, then all open operations,
 * are queued, unless they wait already. A repeated operation is answered from the agent's journal, never run
 * again. The digest is over the sorted "uid revision hash" lines (hello.documentsDigest).
 */
function resyncParts(opening: Opening): SQL {
  return sql`
    stale AS (
      SELECT mine.site FROM mine
      WHERE ${opening.documentsDigest} IS DISTINCT FROM (
        SELECT encode(sha256(convert_to(coalesce(string_agg(
          h.uid || ' ' || (h.document->>'revision') || ' ' || (h.document->>'hash') || chr(10), ''
          ORDER BY h.uid COLLATE "C"), ''), 'UTF8')), 'hex')
        FROM hosts h WHERE h.site = mine.site AND h.document IS NOT NULL)
    ),
    again AS (
      INSERT INTO outbox (link, key, host_uid, delivery)
      SELECT 'site:' || stale.site, d.key, d.host_uid, d.delivery
      FROM stale, LATERAL (
        SELECT 1 AS position, 'document:' || h.uid AS key, h.uid AS host_uid,
          jsonb_build_object('kind', 'document', 'document', h.document) AS delivery
        FROM hosts h WHERE h.site = stale.site AND h.document IS NOT NULL
        UNION ALL
        SELECT 2, 'operation:' || o.id, o.host_uid,
          jsonb_build_object('kind', 'operation', 'operation', o.operation)
        FROM operations o
        WHERE o.site = stale.site AND NOT o.consumed AND o.state NOT IN ('succeeded', 'failed')
          AND NOT EXISTS (SELECT FROM lost WHERE lost.id = o.id AND lost.state = 'failed')
      ) d
      WHERE NOT EXISTS (
        SELECT FROM outbox w WHERE w.link = 'site:' || stale.site AND w.key = d.key)
      ORDER BY d.position, d.host_uid
    )`;
}

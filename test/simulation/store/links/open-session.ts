// As control-plane/store/links/open-session.ts: an agent's hello becomes its session.
import { createHash } from "node:crypto";
import {
  besideAnotherMs,
  leaseTtlMs,
  siteDegradedAfterMs,
} from "../../../../control-plane/lease-times.table.ts";
import type { LinkStore, OpenedSession, OpeningError } from "../../../../control-plane/ports.ts";
import { err, ok, type Result } from "../../../../shared/result.ts";
import { queueRow, rowsOfLink } from "../hosts/outbox-rows.ts";
import { wakeHost } from "../hosts/wake-row.ts";
import { forgetHosts } from "./forget-hosts.ts";
import { unique, type MemoryDatabase } from "../memory-database.ts";
import type { LinkRow, OperationRow, SessionRow, StoredAgentRow, StoredHostRow } from "../rows.ts";
import { storedJson } from "../stored-json.ts";

export type Opening = Parameters<LinkStore["openSession"]>[0];
export interface OpeningTimes {
  readonly nowMs: number;
  readonly wakeAtMs: number;
}

export function openSession(
  database: MemoryDatabase,
  opening: Opening,
  times: OpeningTimes,
): Result<OpenedSession, OpeningError> {
  const agent = database.tables.agents.get(opening.agentId);
  if (agent?.state !== "approved") return err("superseded", "the agent is not approved any more");
  const regressed = hasRegressed(database, { agent, opening });
  const verdict = regressed ? "open" : verdictOf(database, { agent, opening }, times.nowMs);
  count(database, { agent, opening }, verdict);
  if (verdict !== "open") return refused(verdict, opening);
  const epoch = database.nextEpoch(opening.heard?.epoch ?? 0);
  if (!regressed && isOccupied(database, opening, times.nowMs)) {
    tellOther(database, opening, times.nowMs);
    return refused("occupied", opening);
  }
  const afterAnother = otherSeenAt(database, opening) >= times.nowMs - besideAnotherMs;
  const wasAway = awaySince(database, agent) < times.nowMs - siteDegradedAfterMs;
  const othersSeenAtMs = takeLinks(database, { agent, opening, epoch }, times.nowMs);
  const session = openRow(database, { ...opening, epoch }, times.nowMs);
  const { site } = agent;
  const opened = { ...openedBy(session, agent), regressed, afterAnother, othersSeenAtMs };
  if (regressed) {
    const touched = forgetHosts(database, { ...agent, epoch: session.epoch }, times.wakeAtMs);
    return ok({ ...opened, resync: true, touched, over: [] });
  }
  const catchingUp =
    site === null
      ? { resync: false, touched: [], over: [] }
      : catchUp(database, { site, wasAway, opening }, times);
  return ok({ ...opened, ...catchingUp });
}

/** Answers when somebody was heard last who was given operations of the site that this agent has not heard of. */
function takeLinks(
  database: MemoryDatabase,
  { agent, opening, epoch }: Candidate & { readonly epoch: number },
  nowMs: number,
): number {
  for (const name of linksOf(agent)) {
    const before = database.tables.links.get(name);
    database.write("links", name, {
      name,
      agent_id: agent.id,
      epoch,
      seen_at: nowMs,
      given_epoch: before?.given_epoch ?? 0,
      given_turn: before?.given_turn ?? 0,
      others_seen_at: othersSeenAt(database, { agent, opening }, before),
      behind: isBehind(database, { name, opening, nowMs }),
    });
  }
  return database.tables.links.get(`site:${agent.site}`)?.others_seen_at ?? 0;
}

function othersSeenAt(
  { tables }: MemoryDatabase,
  { agent, opening }: Candidate,
  link: LinkRow | undefined,
): number {
  if (link === undefined) return 0;
  const { given_epoch: epoch, given_turn: turn } = link;
  const { heard = { epoch: 0, turn: 0 } } = opening;
  const hasHeard = heard.epoch === epoch ? heard.turn >= turn : heard.epoch > epoch;
  const isSame = tables.sessions.get(agent.id)?.boot_id === opening.bootId;
  return hasHeard || (isSame && link.agent_id === agent.id) ? link.others_seen_at : link.seen_at;
}

function refused(kind: OpeningError, { counter }: Opening): Result<never, OpeningError> {
  const reasons: Readonly<Record<OpeningError, string>> = {
    standby: "another agent acts for the site or the cluster",
    cloned: `the counter ${counter} was used before: two agents have one identity`,
    superseded: "a later session of this agent is open",
    occupied: "an earlier process of this agent was heard a moment ago",
  };
  return err(kind, reasons[kind]);
}

function openedBy({ epoch, committed_seq: committedSeq }: SessionRow, agent: StoredAgentRow) {
  const { site, cluster } = agent;
  return { epoch, committedSeq, site: site ?? undefined, cluster: cluster ?? undefined };
}

interface Candidate {
  readonly agent: StoredAgentRow;
  readonly opening: Opening;
}
type Verdict = OpeningError | "open";

/** The agent has heard more than is known here. */
function hasRegressed({ tables }: MemoryDatabase, { agent, opening }: Candidate): boolean {
  const { heard } = opening;
  if (heard === undefined || opening.counter <= agent.counter) return false;
  const { epoch, turn } = tables.sessions.get(agent.id) ?? { epoch: 0, turn: 0 };
  return heard.epoch === epoch ? heard.turn > turn : heard.epoch > epoch;
}

function verdictOf(
  { tables }: MemoryDatabase,
  { agent, opening }: Candidate,
  nowMs: number,
): Verdict {
  if (opening.counter <= agent.counter) {
    return agent.boot_id === opening.bootId ? "superseded" : "cloned";
  }
  const isTaken = linksOf(agent).some((name) => {
    const link = tables.links.get(name);
    return link !== undefined && link.agent_id !== agent.id && link.seen_at >= nowMs - leaseTtlMs;
  });
  return isTaken ? "standby" : "open";
}

function linksOf({ site, cluster }: StoredAgentRow): readonly string[] {
  return [
    ...(site === null ? [] : [`site:${site}`]),
    ...(cluster === null ? [] : [`cluster:${cluster}`]),
  ];
}

function count(database: MemoryDatabase, { agent, opening }: Candidate, verdict: Verdict): void {
  database.write("agents", agent.id, {
    ...agent,
    state: verdict === "cloned" ? "suspended" : agent.state,
    counter: Math.max(agent.counter, opening.counter),
    boot_id: verdict === "open" || verdict === "standby" ? opening.bootId : agent.boot_id,
  });
}

/** When another process of the agent was heard last that had the session before, and did not end in order. */
function otherSeenAt(
  { tables }: MemoryDatabase,
  { agentId, bootId }: Pick<Opening, "agentId" | "bootId">,
): number {
  const earlier = tables.sessions.get(agentId);
  if (earlier === undefined) return 0;
  return ["", bootId].includes(earlier.boot_id) ? earlier.other_seen_at : earlier.seen_at;
}

/** Another process of the agent may still hold its lease. */
function isOccupied(
  { tables }: MemoryDatabase,
  { agentId, bootId }: Opening,
  nowMs: number,
): boolean {
  const earlier = tables.sessions.get(agentId);
  return (
    earlier !== undefined && earlier.boot_id !== bootId && earlier.seen_at >= nowMs - leaseTtlMs
  );
}

/** Who is still there hears of it with its next renewal. */
function tellOther(database: MemoryDatabase, { agentId }: Opening, nowMs: number): void {
  const earlier = database.tables.sessions.get(agentId);
  if (earlier === undefined) return;
  database.write("sessions", agentId, { ...earlier, other_seen_at: nowMs });
}

function openRow(
  database: MemoryDatabase,
  { agentId, bootId, tokenHash, instance, programVersion, epoch }: Opening & { epoch: number },
  nowMs: number,
): SessionRow {
  const earlier = database.tables.sessions.get(agentId);
  const holders = [...database.sessionsByToken.keys(tokenHash)];
  if (holders.some((holder) => holder !== agentId)) throw unique("sessions_token_hash_key");
  const session = {
    agent_id: agentId,
    epoch,
    boot_id: bootId,
    committed_seq: earlier?.boot_id === bootId ? earlier.committed_seq : 0,
    turn: 0,
    token_hash: tokenHash,
    instance,
    program_version: programVersion,
    seen_at: nowMs,
    other_seen_at: otherSeenAt(database, { agentId, bootId }),
  };
  database.write("sessions", agentId, session);
  return session;
}

/** A cluster link that is new, or was away. */
function isBehind(
  { tables }: MemoryDatabase,
  { name, opening, nowMs }: { name: string; opening: Opening; nowMs: number },
): boolean {
  if (opening.tellsCaughtUp !== true || !name.startsWith("cluster:")) return false;
  const link = tables.links.get(name);
  return link === undefined || link.behind || link.seen_at < nowMs - leaseTtlMs;
}

function awaySince({ tables }: MemoryDatabase, { site }: StoredAgentRow): number {
  return (site === null ? undefined : tables.links.get(`site:${site}`)?.seen_at) ?? 0;
}

/** What a site's new session brings: lost work ends, what the agent does not hold is queued, hosts are woken. */
function catchUp(
  database: MemoryDatabase,
  away: { readonly site: string; readonly wasAway: boolean; readonly opening: Opening },
  times: OpeningTimes,
): Pick<OpenedSession, "resync" | "touched" | "over"> {
  const { site, wasAway, opening } = away;
  const hosts = hostsOfSite(database, site);
  const open = openOperationsOfSite(database, site);
  const isLost = ({ id, state, agent_id: agentId }: OperationRow): boolean =>
    (state === "accepted" || state === "running") &&
    agentId !== null &&
    (agentId !== opening.agentId || opening.inFlight?.includes(id) === false);
  const ends = ({ class: kind, agent_id: agentId }: OperationRow): boolean =>
    kind === "once" || agentId === opening.agentId;
  const lost = open.filter(isLost);
  for (const row of lost) {
    database.write("operations", row.id, afterLoss(row, ends(row), times.nowMs));
  }
  const resync = digestOf(hosts) !== opening.documentsDigest;
  if (resync) {
    const ended = new Set(lost.filter(ends).map(({ id }) => id));
    const going = open.filter(
      ({ id, state }) => state !== "succeeded" && state !== "failed" && !ended.has(id),
    );
    queueAgain(database, site, { hosts, operations: going });
  }
  const losers = new Set(lost.map((row) => row.host_uid));
  const touched = hosts.filter(({ uid }) => wasAway || losers.has(uid)).map(({ uid }) => uid);
  for (const uid of touched) wakeHost(database, uid, times.wakeAtMs);
  return { resync, touched, over: overOf(database, site, opening) };
}

/** What the agent still has of work that ended without it. */
function overOf(
  { tables }: MemoryDatabase,
  site: string,
  { inFlight = [] }: Opening,
): readonly string[] {
  const over = inFlight.filter((id) => {
    const row = tables.operations.get(id);
    if (row?.site !== site) return false;
    return row.consumed || row.state === "succeeded" || row.state === "failed";
  });
  return [...new Set(over)].sort();
}

/** Work that nobody does any more: what may run twice on another agent is asked for again, the rest ends. */
function afterLoss(row: OperationRow, ends: boolean, nowMs: number): OperationRow {
  return ends
    ? { ...row, state: "failed", failure: interrupted, ended_at: nowMs, agent_id: null }
    : { ...row, state: "pending", failure: null, ended_at: null, agent_id: null };
}

const interrupted = storedJson({
  kind: "interrupted",
  message: "The agent that ran this is gone; how far it came is not known.",
  destroyed: true,
} as const);

function queueAgain(
  database: MemoryDatabase,
  site: string,
  holds: { readonly hosts: readonly StoredHostRow[]; readonly operations: readonly OperationRow[] },
): void {
  const link = `site:${site}`;
  const waiting = new Set(rowsOfLink(database, link).map(({ key }) => key));
  for (const { uid, document } of holds.hosts) {
    const key = `document:${uid}`;
    if (document === null || waiting.has(key)) continue;
    const delivery = storedJson({ kind: "document", document } as const);
    queueRow(database, { link, key, host_uid: uid, delivery });
  }
  for (const { id, host_uid, operation } of holds.operations) {
    const key = `operation:${id}`;
    if (waiting.has(key)) continue;
    const delivery = storedJson({ kind: "operation", operation } as const);
    queueRow(database, { link, key, host_uid, delivery });
  }
}

/** By uid. */
function hostsOfSite({ tables }: MemoryDatabase, site: string): readonly StoredHostRow[] {
  const hosts = [...tables.hosts.values()].filter((host) => host.site === site);
  return hosts.sort((left, right) => (left.uid < right.uid ? -1 : 1));
}

/** By host. */
function openOperationsOfSite({ tables }: MemoryDatabase, site: string): readonly OperationRow[] {
  const open = [...tables.operations.values()].filter((row) => row.site === site && !row.consumed);
  return open.sort((left, right) => (left.host_uid < right.host_uid ? -1 : 1));
}

function digestOf(hosts: readonly StoredHostRow[]): string {
  const digest = createHash("sha256");
  for (const { uid, document } of hosts) {
    if (document !== null) digest.update(`${uid} ${document.revision} ${document.hash}\n`);
  }
  return digest.digest("hex");
}

// As control-plane/store/hosts/accept-observations.ts: folds an agent's observations into operations and hosts.
import type { HostStore } from "../../../../control-plane/ports.ts";
import type { Observation, ObservationBody } from "../../../../shared/protocol/observation.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import type { OperationRow, StoredHostRow } from "../rows.ts";
import { bigintOf } from "../sql-error.ts";
import { storedJson } from "../stored-json.ts";
import { wakeHost } from "./wake-row.ts";

type Accepted = Awaited<ReturnType<HostStore["acceptObservations"]>>;
interface Item {
  readonly seq: number;
  readonly atMs: number;
  readonly body: ObservationBody;
}
interface Source {
  readonly agentId: string;
  readonly site: string | null;
}

export function acceptObservations(
  database: MemoryDatabase,
  sender: Parameters<HostStore["acceptObservations"]>[0],
  given: readonly Observation[],
  times: { readonly nowMs: number; readonly wakeAtMs: number },
): Accepted {
  const { sessions, agents } = database.tables;
  const session = sessions.get(sender.agentId);
  const agent = agents.get(sender.agentId);
  if (session?.epoch !== sender.epoch || agent?.state !== "approved") return undefined;
  if ((sender.turn ?? session.turn) !== session.turn) return undefined;
  const source = { agentId: agent.id, site: agent.site };
  const items = given
    .filter(({ seq }) => seq > session.committed_seq)
    .map(({ seq, atMs, body }) => ({
      seq,
      atMs: bigintOf(Math.trunc(atMs)),
      body: storedJson(body),
    }))
    .sort((left, right) => left.seq - right.seq);
  const work = workOf(database, source, items);
  const refused = items.filter((item) => isRefused(database, { source, work }, item)).length;
  const changed = new Set<string>();
  const late = lateWork(database, work);
  for (const [id, reports] of work) {
    const row = database.tables.operations.get(id);
    if (row === undefined || isEnded(row)) continue;
    database.write("operations", id, folded(row, { source, reports, nowMs: times.nowMs }));
    changed.add(row.host_uid);
  }
  const touched = foldFacts(database, { source, items, changed, late }, times.wakeAtMs);
  const committedSeq = Math.max(session.committed_seq, items.at(-1)?.seq ?? 0);
  const turn = session.turn + 1;
  const moved = { ...session, committed_seq: committedSeq, turn, seen_at: times.nowMs };
  database.write("sessions", session.agent_id, moved);
  return { committedSeq, touched, refused };
}

/** Reports by operation: only of the site's own that no other agent has accepted. */
function workOf(
  database: MemoryDatabase,
  { agentId, site }: Source,
  items: readonly Item[],
): ReadonlyMap<string, readonly Item[]> {
  const work = new Map<string, Item[]>();
  for (const item of items) {
    if (!("operationId" in item.body)) continue;
    const { operationId, hostUid } = item.body;
    const row = database.tables.operations.get(operationId);
    if (row?.host_uid !== hostUid || row.site !== site) continue;
    if ((row.agent_id ?? agentId) !== agentId) continue;
    const reports = work.get(operationId);
    if (reports === undefined) work.set(operationId, [item]);
    else reports.push(item);
  }
  return work;
}

function isRefused(
  database: MemoryDatabase,
  { source, work }: { readonly source: Source; readonly work: ReadonlyMap<string, unknown> },
  { body }: Item,
): boolean {
  if (body.kind === "stranger") return false;
  if ("operationId" in body) return !work.has(body.operationId);
  return !isOwn(database.tables.hosts.get(body.hostUid), source);
}

function isOwn(host: StoredHostRow | undefined, { site }: Source): boolean {
  return host !== undefined && host.site !== null && host.site === site;
}

function isEnded({ state }: OperationRow): boolean {
  return state === "succeeded" || state === "failed";
}

/** By host: what changed a disk, and counted as ended before it had. */
function lateWork(
  { tables }: MemoryDatabase,
  work: ReadonlyMap<string, readonly Item[]>,
): ReadonlyMap<string, string> {
  const late = new Map<string, string>();
  for (const [id, reports] of work) {
    const row = tables.operations.get(id);
    if (row === undefined || !isLate(row, reports)) continue;
    if (id > (late.get(row.host_uid) ?? "")) late.set(row.host_uid, id);
  }
  return late;
}

function isLate({ class: kind, state, failure }: OperationRow, reports: readonly Item[]): boolean {
  if (kind !== "once" || state !== "failed" || failure?.destroyed !== false) return false;
  return reports.some(
    ({ body }) =>
      body.kind === "operation-succeeded" ||
      (body.kind === "operation-failed" && body.failure.destroyed),
  );
}

interface Folding {
  readonly source: Source;
  readonly reports: readonly Item[];
  readonly nowMs: number;
}

function folded(row: OperationRow, { source, reports, nowMs }: Folding): OperationRow {
  const of = <K extends ObservationBody["kind"]>(kind: K) =>
    reports.flatMap(({ atMs, body }) =>
      body.kind === kind ? [{ atMs, body: body as Extract<ObservationBody, { kind: K }> }] : [],
    );
  const [succeeded, failed] = [of("operation-succeeded"), of("operation-failed")];
  const failure = failed[0]?.body.failure ?? null;
  const result = succeeded[0]?.body.result ?? null;
  // greatest() passes over null: what was not reported yet has the time of the creation.
  const bounded = (atMs: number): number => Math.min(Math.max(atMs, row.created_at), nowMs);
  const startedAtMs = of("operation-started").map(({ atMs }) => atMs);
  const endedAtMs = [...succeeded, ...failed].map(({ atMs }) => atMs);
  return {
    ...row,
    state: stateAfter(row, { reports, hasResult: result !== null, hasFailed: failure !== null }),
    agent_id: source.agentId,
    started_at: row.started_at ?? bounded(startedAtMs.length === 0 ? 0 : Math.min(...startedAtMs)),
    ended_at: bounded(Math.max(0, ...endedAtMs)),
    progress: of("operation-progress").at(-1)?.body.progress ?? row.progress,
    result: failure === null ? result : null,
    failure,
  };
}

function stateAfter(
  { state }: OperationRow,
  told: {
    readonly reports: readonly Item[];
    readonly hasResult: boolean;
    readonly hasFailed: boolean;
  },
): OperationRow["state"] {
  if (told.hasFailed) return "failed";
  if (told.hasResult) return "succeeded";
  if (told.reports.some(({ body }) => body.kind !== "operation-accepted")) return "running";
  return state === "pending" ? "accepted" : state;
}

interface Facts {
  power?: Pick<StoredHostRow, "power_on" | "power_at">;
  bmc?: Pick<StoredHostRow, "bmc_problem">;
}

/** Returns the hosts to decide about. */
function foldFacts(
  database: MemoryDatabase,
  given: {
    readonly source: Source;
    readonly items: readonly Item[];
    readonly changed: ReadonlySet<string>;
    readonly late: ReadonlyMap<string, string>;
  },
  wakeAtMs: number,
): readonly string[] {
  const facts = new Map<string, Facts>();
  for (const { body, atMs } of given.items) {
    if (!("hostUid" in body)) continue;
    const known = facts.get(body.hostUid) ?? {};
    facts.set(body.hostUid, known);
    if (body.kind === "power") known.power = { power_on: body.on, power_at: atMs };
    if (body.kind === "bmc") known.bmc = { bmc_problem: body.problem ?? null };
  }
  return [...facts].flatMap(([uid, { power, bmc }]) => {
    const own = isOwn(database.tables.hosts.get(uid), given.source);
    const tells = own && (power !== undefined || bmc !== undefined);
    const lateWork = given.late.get(uid);
    if (!tells && lateWork === undefined && !given.changed.has(uid)) return [];
    const { memory = null } = database.tables.hosts.get(uid) ?? {};
    const changes = {
      ...(own ? { ...power, ...bmc } : {}),
      ...(lateWork === undefined || memory === null ? {} : { memory: { ...memory, lateWork } }),
    };
    return wakeHost(database, uid, wakeAtMs, changes) ? [uid] : [];
  });
}

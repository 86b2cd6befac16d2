// As control-plane/store/links/outbox.ts: rows to send, and rows that an agent has answered.
import { leaseTtlMs } from "../../../../control-plane/lease-times.table.ts";
import type { LinkName, LinkStore } from "../../../../control-plane/ports.ts";
import {
  isOlderStatus,
  isStatus,
  removalOf,
  rowsOfHost,
  rowsOfLink,
} from "../hosts/outbox-rows.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import type { SessionRow, StoredOutboxRow } from "../rows.ts";

interface Session {
  readonly epoch: number;
  readonly links: readonly LinkName[];
}
type Taken = Awaited<ReturnType<LinkStore["takeOutbox"]>>;

export function takeOutbox(
  database: MemoryDatabase,
  { epoch, links, turn }: Parameters<LinkStore["takeOutbox"]>[0],
  {
    nowMs,
    limit,
    only,
  }: { readonly nowMs: number; readonly limit: number; readonly only?: "urgent" | "but-events" },
): Taken {
  const session = turn === undefined ? undefined : database.tables.sessions.get(turn.agentId);
  const isInTurn = session?.epoch === epoch && session.turn === turn?.count;
  if (turn !== undefined && !isInTurn) return links.length > 0 ? undefined : [];
  const held = links.filter((name) => database.tables.links.get(name)?.epoch === epoch);
  const taken = held.flatMap((link) => {
    const rows = rowsOfLink(database, link);
    const blocked = statusesBehindSent(rows);
    const toSend = rows.filter(
      (row) => row.sent_epoch !== epoch && row.retry_at <= nowMs && !blocked.has(row.id),
    );
    const rest = only === "urgent" ? [] : toSend.filter((row) => !isUrgent(row));
    const others = only === "but-events" ? rest.filter((row) => !isEvent(row)) : rest;
    return [
      ...toSend.filter(isUrgent).slice(0, limit),
      ...others.filter((row) => !isBlind(database, row, nowMs)).slice(0, limit),
    ];
  });
  for (const row of taken) database.write("outbox", String(row.id), { ...row, sent_epoch: epoch });
  if (session !== undefined && taken.length > 0) {
    const turned = { ...session, turn: session.turn + 1 };
    database.write("sessions", session.agent_id, turned);
    noteGiven(database, taken, turned);
  }
  if (held.length < links.length) return undefined;
  return taken
    .toSorted((left, right) => placeOf(left) - placeOf(right) || left.id - right.id)
    .map(({ id, delivery }) => ({ id: String(id), delivery }));
}

function noteGiven(
  database: MemoryDatabase,
  taken: readonly StoredOutboxRow[],
  { epoch, turn }: Pick<SessionRow, "epoch" | "turn">,
): void {
  const given = taken.filter(({ key }) => key?.startsWith("operation:") === true);
  for (const name of new Set(given.map(({ link }) => link))) {
    const link = database.tables.links.get(name);
    if (link === undefined) continue;
    database.write("links", name, { ...link, given_epoch: epoch, given_turn: turn });
  }
}

/**
 * An operation that is new to the site, while nobody can tell what people want of the host by now. To remove an
 * annotation waits, too: it may be gone, and asked for anew.
 */
function isBlind({ tables }: MemoryDatabase, row: StoredOutboxRow, nowMs: number): boolean {
  const { key } = row;
  if (removalOf(row) !== undefined) return tables.links.get(row.link)?.behind === true;
  if (key?.startsWith("operation:") !== true) return false;
  const operation = tables.operations.get(key.slice("operation:".length));
  if (operation?.state !== "pending" || operation.class === "observe") return false;
  const cluster = tables.hosts.get(operation.host_uid)?.cluster;
  const link = cluster === undefined ? undefined : tables.links.get(`cluster:${cluster}`);
  return link === undefined || link.behind || link.seen_at < nowMs - leaseTtlMs;
}

function isUrgent({ key }: StoredOutboxRow): boolean {
  return key !== null && /^(host-patch|provider-patch):/.test(key);
}

function isEvent({ key }: StoredOutboxRow): boolean {
  return key?.startsWith("event:") === true;
}

/** Others may need their host's document. */
function placeOf(row: StoredOutboxRow): number {
  if (row.key?.startsWith("document:") === true) return 0;
  return isUrgent(row) ? 1 : 2;
}

/**
 * Statuses that are followed by one of their host that was sent; and, because NULL LIKE 'status:%' is not false, rows
 * without a key that are.
 */
function statusesBehindSent(rows: readonly StoredOutboxRow[]): ReadonlySet<number> {
  const behind = new Set<number>();
  const sent = new Set<string>();
  for (const row of rows.toReversed()) {
    if (row.key !== null && !isStatus(row)) continue;
    if (sent.has(row.host_uid)) behind.add(row.id);
    if (isStatus(row) && row.sent_epoch !== 0) sent.add(row.host_uid);
  }
  return behind;
}

const mostTries = 5;
const longestWaitMs = 30_000;

export function ackOutbox(
  database: MemoryDatabase,
  { epoch }: Session,
  acks: { readonly done: readonly string[]; readonly retry: readonly string[] },
  nowMs: number,
): number | undefined {
  const sent = (ids: readonly string[]): readonly StoredOutboxRow[] =>
    [...new Set(ids.filter((id) => /^\d{1,18}$/.test(id)).map((id) => String(Number(id))))].flatMap(
      (id) => {
        const row = database.tables.outbox.get(id);
        return row?.sent_epoch === epoch ? [row] : [];
      },
    );
  const done = sent(acks.done);
  for (const { id } of done) database.write("outbox", String(id), undefined);
  for (const row of done.filter(isStatus)) {
    for (const older of rowsOfHost(database, row)) {
      if (isOlderStatus(older, row)) database.write("outbox", String(older.id), undefined);
    }
  }
  let waitMs: number | undefined;
  for (const row of sent(acks.retry)) {
    const pauseMs = Math.min(longestWaitMs, 1_000 * 2 ** Math.min(row.tries, mostTries));
    const again = { ...row, sent_epoch: 0, tries: row.tries + 1, retry_at: nowMs + pauseMs };
    database.write("outbox", String(row.id), again);
    waitMs = Math.min(waitMs ?? pauseMs, pauseMs);
  }
  return waitMs;
}

// As control-plane/store/hosts/feed-rows.ts: stores the objects of a feed that have rows of their own, marks what is
// gone.
import type { MemoryDatabase } from "../memory-database.ts";
import type { Rows } from "../rows.ts";
import { columnsOf, type GivenObject, type OpenGate } from "./feed-gate.ts";
import { wakeRow, type DecidedTable } from "./wake-row.ts";

export interface FedTable<T extends DecidedTable> {
  readonly table: T;
  /** Whether the row is of this feed. */
  isOwn(row: Rows[T]): boolean;
  /** Keys of the feed's own rows at the object's place. */
  named(given: GivenObject): Iterable<string>;
  /** A row that storing makes the first version of. */
  newRow(given: GivenObject): Rows[T];
  /** What else changes in a row that takes a newer form. */
  changes(before: Rows[T], given: GivenObject): Partial<Rows[T]>;
  /** Whether a newer form of a row changes no decision. */
  isIdle(before: Rows[T], after: Rows[T]): boolean;
}

interface AlteredRow<T extends DecidedTable> {
  readonly before: Rows[T] | undefined;
  readonly after: Rows[T];
}

export interface FedRows<T extends DecidedTable> {
  /** Uids to decide about. */
  readonly decided: readonly string[];
  /** What was stored, and what is gone. */
  readonly altered: readonly AlteredRow<T>[];
  /** Objects whose uid another feed has. */
  readonly foreign: number;
}

/** All parts look at the rows as they were before the statement. */
export function feedRows<T extends DecidedTable>(
  database: MemoryDatabase,
  fed: FedTable<T>,
  gate: OpenGate,
  wakeAtMs: number,
): FedRows<T> {
  const rows: ReadonlyMap<string, Rows[T]> = database.tables[fed.table];
  const before = new Map<string, Rows[T] | undefined>();
  const isForeign = (uid: string): boolean => {
    const row = rows.get(uid);
    return row !== undefined && !fed.isOwn(row);
  };
  const foreign = [...gate.given.keys()].filter(isForeign).length;
  const fresh = [...gate.given.values()].filter((given) => isFresh(rows, fed, { given, gate }));
  const missing = missingRows(rows, fed, { fresh, gate });
  const freshUids = new Set(fresh.map(({ uid }) => uid));
  const seen = [...gate.given.keys()].filter(
    (uid) => !freshUids.has(uid) && stamp(database, fed, { uid, gate }, wakeAtMs),
  );
  for (const given of fresh) {
    const { uid } = given;
    const row = rows.get(uid);
    before.set(uid, row);
    storeFresh(database, fed, { row, given, gate }, wakeAtMs);
  }
  for (const [uid, gone] of missing) {
    const row = rows.get(uid);
    if (row === undefined) continue;
    if (gone) before.set(uid, row);
    database.write(fed.table, uid, {
      ...row,
      deleted: row.deleted || gone,
      version: row.version + 1,
      wake_at: wakeAtMs,
    });
  }
  const altered = [...before].flatMap(([uid, row]) => {
    const after = rows.get(uid);
    return after === undefined ? [] : [{ before: row, after }];
  });
  const woken = [...freshUids].filter((uid) => rows.get(uid)?.wake_at === wakeAtMs);
  const decided = [...woken, ...missing.keys(), ...(gate.completes ? seen : [])];
  return { decided, altered, foreign };
}

/** An idle row stays due when it was. */
function storeFresh<T extends DecidedTable>(
  database: MemoryDatabase,
  fed: FedTable<T>,
  {
    row,
    given,
    gate,
  }: {
    readonly row: Rows[T] | undefined;
    readonly given: GivenObject;
    readonly gate: OpenGate;
  },
  wakeAtMs: number,
): void {
  const stored = row ?? fed.newRow(given);
  const after = {
    ...stored,
    ...columnsOf(given),
    deleted: given.deleted,
    list_id: gate.listId ?? stored.list_id,
    version: stored.version + 1,
    ...(row === undefined ? {} : fed.changes(row, given)),
  };
  const mayBeIdle = row !== undefined && !gate.regressed && !gate.completes;
  const isIdle = mayBeIdle && fed.isIdle(row, after);
  database.write(fed.table, given.uid, isIdle ? after : { ...after, wake_at: wakeAtMs });
}

function isFresh<T extends DecidedTable>(
  rows: ReadonlyMap<string, Rows[T]>,
  fed: FedTable<T>,
  { given, gate }: { readonly given: GivenObject; readonly gate: OpenGate },
): boolean {
  const row = rows.get(given.uid);
  if (row === undefined) return !given.deleted;
  return fed.isOwn(row) && (given.version > row.resource_version || gate.regressed);
}

/** Equal and older objects of a list; with the first whole one they are to be decided about, too. */
function stamp<T extends DecidedTable>(
  database: MemoryDatabase,
  fed: FedTable<T>,
  { uid, gate }: { readonly uid: string; readonly gate: OpenGate },
  wakeAtMs: number,
): boolean {
  const rows: ReadonlyMap<string, Rows[T]> = database.tables[fed.table];
  const row = rows.get(uid);
  if (gate.listId === null || row === undefined || !fed.isOwn(row)) return false;
  database.write(fed.table, uid, { ...row, list_id: gate.listId });
  if (gate.completes) wakeRow(database, { table: fed.table, uid }, wakeAtMs);
  return true;
}

interface OfFeed {
  readonly fresh: readonly GivenObject[];
  readonly gate: OpenGate;
}

/** Rows that were not named, and whether each is gone. */
function missingRows<T extends DecidedTable>(
  rows: ReadonlyMap<string, Rows[T]>,
  fed: FedTable<T>,
  { fresh, gate }: OfFeed,
): ReadonlyMap<string, boolean> {
  const missing = new Map<string, boolean>();
  const unnamed = gate.last ? unnamedRows(rows, fed, gate) : [];
  for (const { uid, gone } of [...unnamed, ...renamedRows(rows, fed, { fresh, gate })]) {
    if (gate.given.has(uid) || (!gone && !gate.completes)) continue;
    missing.set(uid, gone || missing.get(uid) === true);
  }
  return missing;
}

interface Missing {
  readonly uid: string;
  readonly gone: boolean;
}

function* unnamedRows<T extends DecidedTable>(
  rows: ReadonlyMap<string, Rows[T]>,
  fed: FedTable<T>,
  gate: OpenGate,
): Iterable<Missing> {
  for (const row of rows.values()) {
    if (!fed.isOwn(row) || row.deleted) continue;
    const isOld = row.resource_version <= gate.listVersion || gate.regressed;
    yield { uid: row.uid, gone: row.list_id !== gate.listId && isOld };
  }
}

/** Rows whose name a newer object has. */
function* renamedRows<T extends DecidedTable>(
  rows: ReadonlyMap<string, Rows[T]>,
  fed: FedTable<T>,
  { fresh, gate }: OfFeed,
): Iterable<Missing> {
  for (const given of fresh) {
    if (given.deleted) continue;
    for (const uid of fed.named(given)) {
      const row = rows.get(uid);
      if (row === undefined || uid === given.uid || row.deleted) continue;
      if (given.version > row.resource_version || gate.regressed) yield { uid, gone: true };
    }
  }
}

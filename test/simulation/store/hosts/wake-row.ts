// What raises the version of a host's or a machine's row and makes it due: everything that may change a decision.
import type { MemoryDatabase } from "../memory-database.ts";
import type { Rows } from "../rows.ts";

export type DecidedTable = "hosts" | "machines";

/** False: there is no such row. */
export function wakeRow<T extends DecidedTable>(
  database: MemoryDatabase,
  { table, uid }: { readonly table: T; readonly uid: string },
  wakeAtMs: number,
  changes: Partial<Rows[T]> = {},
): boolean {
  const rows: ReadonlyMap<string, Rows[T]> = database.tables[table];
  const row = rows.get(uid);
  if (row === undefined) return false;
  const version = row.version + 1;
  database.write(table, uid, { ...row, ...changes, version, wake_at: wakeAtMs });
  return true;
}

export function wakeHost(
  database: MemoryDatabase,
  uid: string,
  wakeAtMs: number,
  changes: Partial<Rows["hosts"]> = {},
): boolean {
  return wakeRow(database, { table: "hosts", uid }, wakeAtMs, changes);
}

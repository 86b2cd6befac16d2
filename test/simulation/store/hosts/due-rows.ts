// As restHost of control-plane/store/make-store.ts, take-due.ts and machines/rest-machine.ts there.
import type { MemoryDatabase } from "../memory-database.ts";
import type { Rows } from "../rows.ts";
import { bigintOf } from "../sql-error.ts";
import type { DecidedTable } from "./wake-row.ts";

export function restRow<T extends DecidedTable>(
  database: MemoryDatabase,
  table: T,
  { uid, version }: { readonly uid: string; readonly version: number },
): void {
  const rows: ReadonlyMap<string, Rows[T]> = database.tables[table];
  const row = rows.get(uid);
  if (row?.version === version) database.write(table, uid, { ...row, wake_at: null });
}

/** Rows that are due at the same moment come by uid; in SQL their order is open. */
export function takeDueRows<T extends DecidedTable>(
  database: MemoryDatabase,
  table: T,
  { nowMs, leaseMs, limit }: Record<"nowMs" | "leaseMs" | "limit", number>,
): readonly string[] {
  const rows: ReadonlyMap<string, Rows[T]> = database.tables[table];
  const due: { readonly uid: string; readonly wakeAtMs: number }[] = [];
  for (const { uid, wake_at: wakeAtMs } of rows.values()) {
    if (wakeAtMs !== null && wakeAtMs <= nowMs) due.push({ uid, wakeAtMs });
  }
  due.sort((left, right) => left.wakeAtMs - right.wakeAtMs || (left.uid < right.uid ? -1 : 1));
  const taken = due.slice(0, limit).map(({ uid }) => uid);
  const wakeAtMs = bigintOf(nowMs + leaseMs);
  for (const uid of taken) {
    const row = rows.get(uid);
    if (row !== undefined) database.write(table, uid, { ...row, wake_at: wakeAtMs });
  }
  return taken;
}

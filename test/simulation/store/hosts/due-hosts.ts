// As restHost and takeDueHosts of control-plane/store/make-store.ts.
import type { MemoryDatabase } from "../memory-database.ts";
import { bigintOf } from "../sql-error.ts";

export function restHost(database: MemoryDatabase, uid: string, version: number): void {
  const host = database.tables.hosts.get(uid);
  if (host?.version === version) database.write("hosts", uid, { ...host, wake_at: null });
}

/** Hosts that are due at the same moment come by uid; in SQL their order is open. */
export function takeDueHosts(
  database: MemoryDatabase,
  nowMs: number,
  { leaseMs, limit }: { readonly leaseMs: number; readonly limit: number },
): readonly string[] {
  const due: { readonly uid: string; readonly wakeAtMs: number }[] = [];
  for (const { uid, wake_at: wakeAtMs } of database.tables.hosts.values()) {
    if (wakeAtMs !== null && wakeAtMs <= nowMs) due.push({ uid, wakeAtMs });
  }
  due.sort((left, right) => left.wakeAtMs - right.wakeAtMs || (left.uid < right.uid ? -1 : 1));
  const taken = due.slice(0, limit).map(({ uid }) => uid);
  const wakeAtMs = bigintOf(nowMs + leaseMs);
  for (const uid of taken) {
    const host = database.tables.hosts.get(uid);
    if (host !== undefined) database.write("hosts", uid, { ...host, wake_at: wakeAtMs });
  }
  return taken;
}

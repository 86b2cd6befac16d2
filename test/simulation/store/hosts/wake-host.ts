// What raises a host's version and makes it due: everything that may change a decision about it.
import type { MemoryDatabase } from "../memory-database.ts";
import type { StoredHostRow } from "../rows.ts";

/** False: there is no such host. */
export function wakeHost(
  database: MemoryDatabase,
  uid: string,
  wakeAtMs: number,
  changes: Partial<StoredHostRow> = {},
): boolean {
  const host = database.tables.hosts.get(uid);
  if (host === undefined) return false;
  const version = host.version + 1;
  database.write("hosts", uid, { ...host, ...changes, version, wake_at: wakeAtMs });
  return true;
}

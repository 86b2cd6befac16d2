// The host that a machine has claimed.
import type { MemoryDatabase } from "../memory-database.ts";
import type { StoredHostRow } from "../rows.ts";

export function claimedHost(
  database: MemoryDatabase,
  machineUid: string,
): StoredHostRow | undefined {
  const [uid] = database.hostsByMachine.keys(machineUid);
  return uid === undefined ? undefined : database.tables.hosts.get(uid);
}

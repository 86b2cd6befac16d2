// As control-plane/store/machines/claim-host.ts; no row is ever locked here.
import type { MachineHostRow } from "../../../../control-plane/ports.ts";
import { err, ok, type Result } from "../../../../shared/result.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { storableText } from "../stored-json.ts";
import { wakeRow } from "../hosts/wake-row.ts";
import { claimedHost } from "./claimed-host.ts";
import { hostView } from "./host-view.ts";
import { takesHosts } from "./wake-machines.ts";

export function claimHost(
  database: MemoryDatabase,
  claim: { readonly uid: string; readonly version: number; readonly candidates: readonly string[] },
  wakeAtMs: number,
): Result<MachineHostRow | undefined, "stale"> {
  const { uid, version, candidates } = claim;
  const machine = database.tables.machines.get(uid);
  const isFound =
    machine?.version === version && takesHosts(machine) && claimedHost(database, uid) === undefined;
  if (!isFound) {
    return err("stale", `machine ${uid} or its hosts were changed meanwhile; decide again`);
  }
  for (const candidate of candidates) {
    const host = database.tables.hosts.get(storableText(candidate));
    if (host === undefined || host.machine_uid !== null || host.deleted) continue;
    if (host.cluster !== machine.cluster || host.namespace !== machine.namespace) continue;
    const claimed = { ...host, machine_uid: uid };
    database.write("hosts", host.uid, claimed);
    wakeRow(database, { table: "machines", uid }, wakeAtMs, { waiting: false, node: null });
    return ok(hostView(claimed));
  }
  return ok(undefined);
}

// As control-plane/store/machines/commit-machine.ts.
import type { MachineCommit } from "../../../../control-plane/ports.ts";
import { err, ok, type Result } from "../../../../shared/result.ts";
import { queueRows } from "../hosts/outbox-rows.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { bigintOf } from "../sql-error.ts";
import { storedJson } from "../stored-json.ts";
import { claimedHost } from "./claimed-host.ts";
import { choosingMachines, wakeMachines } from "./wake-machines.ts";

export function commitMachine(
  database: MemoryDatabase,
  commit: MachineCommit,
  wakeAtMs: number,
): Result<readonly string[], "stale"> {
  const { uid } = commit;
  const machine = database.tables.machines.get(uid);
  if (machine?.version !== commit.version) {
    return err("stale", `machine ${uid} was changed meanwhile; decide again`);
  }
  const letsGo = commit.release || commit.gone;
  const host = letsGo ? claimedHost(database, uid) : undefined;
  if (host !== undefined) database.write("hosts", host.uid, { ...host, machine_uid: null });
  queueRows(database, commit);
  const wakeAt = commit.wakeAtMs === undefined ? null : bigintOf(commit.wakeAtMs);
  const kept = {
    ...machine,
    version: machine.version + 1,
    memory: storedJson(commit.memory),
    node: letsGo ? null : machine.node,
    waiting: commit.waiting,
    wake_at: wakeAt,
  };
  database.write("machines", uid, commit.gone ? undefined : kept);
  const waiting = host === undefined ? [] : choosingMachines(database, machine);
  return ok(
    wakeMachines(
      database,
      waiting.filter((each) => each !== uid),
      wakeAtMs,
    ),
  );
}

// As control-plane/store/machines/apply-nodes.ts.
import type { NodeFact } from "../../../../shared/protocol/facts/node-fact.ts";
import { wakeRow } from "../hosts/wake-row.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { sameJson, storedJson } from "../stored-json.ts";
import { machineSetsOf, takesHosts, wakeMachines } from "./wake-machines.ts";

export function applyNodes(
  database: MemoryDatabase,
  { cluster, facts }: { readonly cluster: string; readonly facts: readonly NodeFact[] },
  wakeAtMs: number,
): readonly string[] {
  const newest = new Map(facts.map(storedJson).map((fact) => [fact.machineUid, fact]));
  const told = [...newest].flatMap(([uid, node]) => {
    const row = database.tables.machines.get(uid);
    if (row?.cluster !== cluster || !takesHosts(row)) return [];
    if (sameJson(row.node, node)) return [];
    return wakeRow(database, { table: "machines", uid }, wakeAtMs, { node }) ? [row] : [];
  });
  const sets = told
    .filter(({ resource }) => resource === "machines.machine.openshift.io")
    .flatMap((row) => machineSetsOf(database, row));
  return [...told.map(({ uid }) => uid), ...wakeMachines(database, sets, wakeAtMs)];
}

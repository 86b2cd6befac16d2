// As control-plane/store/machines/wake-machines.ts.
import { hostTaker } from "../../../../shared/protocol/write-back.ts";
import { wakeRow } from "../hosts/wake-row.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import type { ObjectRow, StoredMachineRow } from "../rows.ts";
import { fieldOf, textAt } from "./looked-at.ts";

/** Returns those that there are, each once. */
export function wakeMachines(
  database: MemoryDatabase,
  uids: Iterable<string>,
  wakeAtMs: number,
): readonly string[] {
  return [...new Set(uids)].filter((uid) =>
    wakeRow(database, { table: "machines", uid }, wakeAtMs),
  );
}

type Place = Pick<StoredMachineRow, "cluster" | "namespace">;

/** Those that wait for a host, or may be about to. */
export function choosingMachines(
  database: MemoryDatabase,
  { cluster, namespace }: Place,
): readonly string[] {
  return [...database.tables.machines.values()]
    .filter((row) => row.cluster === cluster && row.namespace === namespace)
    .filter((row) => isChoosing(database, row))
    .map(({ uid }) => uid);
}

function isChoosing(database: MemoryDatabase, row: StoredMachineRow): boolean {
  if (row.waiting) return true;
  if (!takesHosts(row)) return false;
  const isLeaving = fieldOf(row.object.metadata, "deletionTimestamp") !== null;
  return row.wake_at !== null && !isLeaving && !database.hostsByMachine.has(row.uid);
}

/** Whether the row is of a kind that takes hosts. */
export function takesHosts({ resource }: Pick<StoredMachineRow, "resource">): boolean {
  return hostTaker.safeParse(resource).success;
}

export function machineSetsOf(
  { tables }: MemoryDatabase,
  { cluster, namespace }: Place,
): readonly string[] {
  return [...tables.machines.values()]
    .filter((row) => row.cluster === cluster && row.namespace === namespace)
    .filter((row) => row.resource === "machinesets.machine.openshift.io")
    .map(({ uid }) => uid);
}

/** Machines of cluster-api core of a Cluster. */
export function coreMachinesOf(
  { tables }: MemoryDatabase,
  { cluster, namespace, name }: Place & { readonly name: string },
): readonly ObjectRow[] {
  return [...tables.objects.values()].filter(
    (row) =>
      row.cluster === cluster &&
      row.resource === "machines.cluster.x-k8s.io" &&
      row.namespace === namespace &&
      textAt(row.object, "spec", "clusterName") === name,
  );
}

/** Uids of the rows that an object owns. */
export function ownedBy(
  { tables }: MemoryDatabase,
  cluster: string,
  ownerUid: string,
): readonly string[] {
  return [...tables.machines.values()]
    .filter((row) => row.cluster === cluster && row.owner_uid === ownerUid)
    .map(({ uid }) => uid);
}

// As control-plane/store/machines/apply-machine-feed.ts.
import type { FeedOutcome, FeedSender } from "../../../../control-plane/ports.ts";
import type { FeedBatch } from "../../../../shared/protocol/feed.ts";
import type { ProviderResource } from "../../../../shared/protocol/write-back.ts";
import { columnsOf, feedGate, refused, type GivenObject } from "../hosts/feed-gate.ts";
import { feedRows, type FedRows } from "../hosts/feed-rows.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { isMachineEcho } from "../is-echo.ts";
import { keyOf, type StoredMachineRow } from "../rows.ts";
import { isAnother, ownerOf, textAt } from "./looked-at.ts";
import { coreMachinesOf, machineSetsOf, ownedBy, wakeMachines } from "./wake-machines.ts";

interface Feed {
  readonly cluster: string;
  readonly resource: ProviderResource;
}

export function applyMachineFeed(
  database: MemoryDatabase,
  sender: FeedSender,
  { resource, batch }: { readonly resource: ProviderResource; readonly batch: FeedBatch },
  wakeAtMs: number,
): FeedOutcome {
  const gate = feedGate(database, sender, resource, batch);
  if (gate.open === undefined) return refused(gate);
  const feed = { cluster: sender.cluster, resource };
  const isOwn = (row: StoredMachineRow) =>
    row.cluster === feed.cluster && row.resource === resource;
  const fed = feedRows(
    database,
    {
      table: "machines",
      isOwn,
      named: ({ namespace, name }) =>
        database.machinesByName.keys(keyOf(feed.cluster, resource, namespace, name)),
      newRow: (given) => newMachine(feed, given),
      changes: () => ({}),
      isIdle: (before, after) => isMachineEcho(database, before, after),
    },
    gate.open,
    wakeAtMs,
  );
  for (const { after } of fed.altered) storeOwner(database, after.uid);
  const others = gate.open.completes
    ? [...database.tables.machines.values()].filter(
        (row) => row.cluster === feed.cluster && row.resource !== resource,
      )
    : [];
  const concerned = concernedBy(database, feed, fed);
  const woken = wakeMachines(database, [...others.map(({ uid }) => uid), ...concerned], wakeAtMs);
  return {
    kind: "stored",
    touched: [],
    machines: [...fed.decided, ...woken],
    foreign: fed.foreign,
    cursor: gate.move(),
  };
}

/** The rows whose snapshot has the objects of the batch. */
function* concernedBy(
  database: MemoryDatabase,
  { cluster, resource }: Feed,
  { altered }: FedRows<"machines">,
): Iterable<string> {
  const changed = altered
    .filter(
      ({ before, after }) =>
        before?.deleted !== after.deleted || isAnother(before.object, after.object),
    )
    .map(({ after }) => after);
  if (resource === "metal3clusters") yield* machinesOfChanged(database, cluster, changed);
  if (resource !== "machines.machine.openshift.io") return;
  for (const row of changed) yield* machineSetsOf(database, row);
}

/** Of Clusters whose infrastructureRef names a Metal3Cluster that is another than before. */
function* machinesOfChanged(
  database: MemoryDatabase,
  cluster: string,
  changed: readonly StoredMachineRow[],
): Iterable<string> {
  for (const after of changed) {
    for (const core of database.tables.objects.values()) {
      if (core.cluster !== cluster || core.resource !== "clusters.cluster.x-k8s.io") continue;
      if (core.namespace !== after.namespace || metal3ClusterOf(core.object) !== after.name)
        continue;
      for (const { uid } of coreMachinesOf(database, core)) yield* ownedBy(database, cluster, uid);
    }
  }
}

/** The name of the Metal3Cluster that a Cluster names. */
export function metal3ClusterOf(coreCluster: unknown): string | null {
  const kind = textAt(coreCluster, "spec", "infrastructureRef", "kind");
  return kind === "Metal3Cluster" ? textAt(coreCluster, "spec", "infrastructureRef", "name") : null;
}

/** The column that the database generates. */
function storeOwner(database: MemoryDatabase, uid: string): void {
  const row = database.tables.machines.get(uid);
  if (row === undefined) return;
  const kind = row.resource === "metal3machines" ? "Machine" : "Cluster";
  const owner_uid = textAt(ownerOf(row.object, kind), "uid");
  if (owner_uid !== row.owner_uid) database.write("machines", uid, { ...row, owner_uid });
}

function newMachine(feed: Feed, given: GivenObject): StoredMachineRow {
  return {
    ...columnsOf(given),
    ...feed,
    version: 0,
    deleted: false,
    list_id: null,
    memory: null,
    node: null,
    waiting: false,
    wake_at: null,
    owner_uid: null,
  };
}

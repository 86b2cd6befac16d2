// As control-plane/store/machines/concerned-machines.ts: which rows a changed object of cluster-api core is about.
import {
  clonedFromKind,
  clonedFromName,
  templateKind,
} from "../../../../shared/capm3/v1beta2/metal3-machine-template.ts";
import type { FeedObject } from "../../../../shared/protocol/feed.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import type { StoredMachineRow } from "../rows.ts";
import { isAnother, ownerOf, textAt } from "./looked-at.ts";
import { coreMachinesOf, ownedBy } from "./wake-machines.ts";

/** `before` is undefined for a new object, `object` for one that is gone. */
export interface ChangedObject {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: FeedObject | undefined;
  readonly before: FeedObject | undefined;
}

export function* concernedMachines(
  database: MemoryDatabase,
  { cluster, resource }: { readonly cluster: string; readonly resource: string },
  changed: readonly ChangedObject[],
): Iterable<string> {
  for (const each of changed) {
    if (resource === "machines.cluster.x-k8s.io") {
      if (isAnother(each.before, each.object)) yield* ownedBy(database, cluster, each.uid);
      yield* clustersOf(database, cluster, each);
    }
    if (resource === "clusters.cluster.x-k8s.io" && isAnother(each.before, each.object)) {
      yield* ownedBy(database, cluster, each.uid);
      const machines = coreMachinesOf(database, { ...each, cluster });
      for (const { uid } of machines) yield* ownedBy(database, cluster, uid);
    }
    if (resource === "metal3machinetemplates" && isAnother(each.before, each.object)) {
      yield* clonedFrom(database, cluster, each);
    }
  }
}

/** Metal3Clusters whose Cluster a Machine has come to, or gone from. */
function* clustersOf(
  { tables }: MemoryDatabase,
  cluster: string,
  { namespace, object, before }: ChangedObject,
): Iterable<string> {
  if (object !== undefined && before !== undefined) return;
  const name = textAt(object ?? before, "spec", "clusterName");
  for (const row of tables.machines.values()) {
    const isNear = row.cluster === cluster && row.namespace === namespace;
    if (!isNear || row.resource !== "metal3clusters" || name === null) continue;
    if (clusterNameOf(row) === name) yield row.uid;
  }
}

/** Metal3Machines that were made from a template. */
function* clonedFrom(
  { tables }: MemoryDatabase,
  cluster: string,
  { namespace, name }: ChangedObject,
): Iterable<string> {
  for (const row of tables.machines.values()) {
    if (row.cluster !== cluster || row.namespace !== namespace) continue;
    if (row.resource === "metal3machines" && templateNameOf(row) === name) yield row.uid;
  }
}

export function templateNameOf({ object }: StoredMachineRow): string | null {
  const isOfOurs = textAt(object, "metadata", "annotations", clonedFromKind) === templateKind;
  return isOfOurs ? textAt(object, "metadata", "annotations", clonedFromName) : null;
}

/** The name of the Cluster that owns a Metal3Cluster. */
export function clusterNameOf({ object }: StoredMachineRow): string | null {
  return textAt(ownerOf(object, "Cluster"), "name");
}

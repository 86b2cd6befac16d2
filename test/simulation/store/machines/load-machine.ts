// As control-plane/store/machines/load-machine.ts: all that a snapshot of one row of the machine side is made of.
import type { MachineRows } from "../../../../control-plane/ports.ts";
import { flavours } from "../../../../shared/machine/flavour.ts";
import { hostResource } from "../../../../shared/protocol/feed.ts";
import { autoscaleAnnotation } from "../../../../shared/openshift/annotations.ts";
import { neededFeeds } from "../../../../shared/protocol/needed-feeds.table.ts";
import { newestObject, sitesOf } from "../hosts/reads.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { keyOf, type ObjectRow, type StoredMachineRow } from "../rows.ts";
import { metal3ClusterOf } from "./apply-machine-feed.ts";
import { claimedHost } from "./claimed-host.ts";
import { clusterNameOf, templateNameOf } from "./concerned-machines.ts";
import { hostBrief, hostView } from "./host-view.ts";
import { fieldOf, textAt } from "./looked-at.ts";
import { coreMachinesOf, takesHosts } from "./wake-machines.ts";

export function loadMachine(database: MemoryDatabase, uid: string): MachineRows | undefined {
  const row = database.tables.machines.get(uid);
  if (row === undefined) return undefined;
  const { cluster, resource, namespace, name, version, object, deleted } = row;
  const host = claimedHost(database, uid);
  const owner = resource === "metal3machines" ? ownerRow(database, row) : undefined;
  const core = coreClusterOf(database, row, owner);
  return {
    machine: {
      uid,
      cluster,
      resource,
      namespace,
      name,
      version,
      object,
      deleted,
      memory: row.memory ?? undefined,
      hostUid: host?.uid,
      node: row.node ?? undefined,
    },
    feedsComplete: areFeedsComplete(database, row),
    owner: owner?.object,
    coreCluster: core?.object,
    metal3Cluster: resource === "metal3machines" ? metal3Cluster(database, row, core) : undefined,
    template: resource === "metal3machines" ? templateOf(database, row)?.object : undefined,
    machines: machineNames(database, row),
    members: membersOf(database, row),
    hosts: host === undefined ? briefHosts(database, row, owner) : [hostView(host)],
    sites: sitesOf(database),
  };
}

function areFeedsComplete(
  { tables }: MemoryDatabase,
  { cluster, resource: own }: StoredMachineRow,
): boolean {
  return (
    hostResource.options.every(
      (resource) => tables.feeds.get(keyOf(cluster, resource))?.cursor !== "",
    ) &&
    neededFeeds[own].every(
      (resource) => (tables.machine_feeds.get(keyOf(cluster, resource))?.cursor ?? "") !== "",
    )
  );
}

function ownerRow({ tables }: MemoryDatabase, row: StoredMachineRow): ObjectRow | undefined {
  if (row.owner_uid === null) return undefined;
  return tables.objects.get(keyOf(row.cluster, "machines.cluster.x-k8s.io", row.owner_uid));
}

function coreClusterOf(
  database: MemoryDatabase,
  row: StoredMachineRow,
  owner: ObjectRow | undefined,
): ObjectRow | undefined {
  const resource = "clusters.cluster.x-k8s.io";
  if (row.resource === "metal3clusters") {
    return database.tables.objects.get(keyOf(row.cluster, resource, row.owner_uid ?? ""));
  }
  const name = textAt(owner?.object, "spec", "clusterName");
  if (name === null) return undefined;
  return newestObject(database, keyOf(row.cluster, resource, name), row.namespace);
}

/** The newest that is not gone. */
function metal3Cluster(
  { tables }: MemoryDatabase,
  { cluster, namespace }: StoredMachineRow,
  core: ObjectRow | undefined,
): unknown {
  const name = metal3ClusterOf(core?.object);
  const found = [...tables.machines.values()]
    .filter((row) => row.cluster === cluster && row.resource === "metal3clusters")
    .filter((row) => row.namespace === namespace && row.name === name && !row.deleted)
    .sort((left, right) => (left.resource_version > right.resource_version ? -1 : 1));
  return found[0]?.object;
}

function templateOf(database: MemoryDatabase, row: StoredMachineRow): ObjectRow | undefined {
  const name = templateNameOf(row);
  if (name === null) return undefined;
  return newestObject(database, keyOf(row.cluster, "metal3machinetemplates", name), row.namespace);
}

function machineNames(database: MemoryDatabase, row: StoredMachineRow): readonly string[] {
  const name = row.resource === "metal3clusters" ? clusterNameOf(row) : null;
  if (name === null) return [];
  return coreMachinesOf(database, { ...row, name })
    .map((machine) => machine.name)
    .toSorted();
}

/** Machines of the namespace, as a MachineSet counts them. */
function membersOf(
  { tables }: MemoryDatabase,
  { cluster, resource, namespace }: StoredMachineRow,
): MachineRows["members"] {
  if (resource !== "machinesets.machine.openshift.io") return [];
  return [...tables.machines.values()]
    .filter((row) => row.cluster === cluster && row.namespace === namespace && !row.deleted)
    .filter((row) => row.resource === "machines.machine.openshift.io")
    .sort((left, right) => (keyOf(left.name, left.uid) < keyOf(right.name, right.uid) ? -1 : 1))
    .map(({ object, node }) => {
      const { managedFields: _only, ...metadata } = object.metadata;
      return {
        object: { metadata, status: fieldOf(object, "status") },
        node: node ?? undefined,
      };
    });
}

/** To choose from. */
function briefHosts(
  { tables }: MemoryDatabase,
  row: StoredMachineRow,
  owner: ObjectRow | undefined,
): MachineRows["hosts"] {
  if (!takesHosts(row) && !followsHosts(row)) return [];
  if (row.resource === "metal3machines" && !mayTake(row, owner !== undefined)) return [];
  const { cluster, namespace } = row;
  return [...tables.hosts.values()]
    .filter((host) => host.cluster === cluster && host.namespace === namespace)
    .sort((left, right) => (keyOf(left.name, left.uid) < keyOf(right.name, right.uid) ? -1 : 1))
    .map(hostBrief);
}

function followsHosts({ resource, object }: StoredMachineRow): boolean {
  if (resource !== "machinesets.machine.openshift.io") return false;
  return fieldOf(fieldOf(object.metadata, "annotations"), autoscaleAnnotation) !== null;
}

function mayTake({ object: { metadata } }: StoredMachineRow, hasOwner: boolean): boolean {
  const finalizers = fieldOf(metadata, "finalizers");
  const { finalizer } = flavours.metal3machines;
  const isHeld = Array.isArray(finalizers) && finalizers.includes(finalizer);
  return isHeld && (hasOwner || fieldOf(metadata, "deletionTimestamp") !== null);
}

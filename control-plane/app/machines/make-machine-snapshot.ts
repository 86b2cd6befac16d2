// Rows of the store → the snapshot that a decision about a Metal3Machine or a Metal3Cluster is made from. Pure.
import { metal3Cluster } from "../../../shared/capm3/v1beta2/metal3-cluster.ts";
import { metal3Machine } from "../../../shared/capm3/v1beta2/metal3-machine.ts";
import { metal3MachineTemplate } from "../../../shared/capm3/v1beta2/metal3-machine-template.ts";
import { coreCluster, coreMachine } from "../../../shared/machine/core-objects.ts";
import type { ClusterSnapshot, MachineSnapshot } from "../../../shared/machine/snapshot.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { MachineRows } from "../../ports.ts";
import { makeObjectReader, type ObjectReader } from "./read-objects.ts";
import { viewHost } from "./view-host.ts";

/** What is not in the rows. */
export interface Moment {
  readonly nowMs: number;
  /** Random, 16 hex digits. */
  readonly draw: string;
}

/** "invalid": an object does not fit the schema of its kind; the message names the fields, not their values. */
export function makeMachineSnapshot(
  rows: MachineRows,
  moment: Moment,
): Result<MachineSnapshot | ClusterSnapshot, "invalid"> {
  const reader = makeObjectReader();
  const isMachine = rows.machine.resource === "metal3machines";
  const snapshot = isMachine
    ? viewMachine(rows, moment, reader)
    : viewCluster(rows, moment, reader);
  const problems = reader.problems();
  return snapshot === undefined || problems !== "" ? err("invalid", problems) : ok(snapshot);
}

const clusterKind = "Metal3Cluster";
const templateKind = "Metal3MachineTemplate";

/** Items of a list may come without their kind. */
function typed(kind: string, object: unknown): unknown {
  const apiVersion = "infrastructure.cluster.x-k8s.io/v1beta2";
  return typeof object === "object" && object !== null ? { apiVersion, kind, ...object } : object;
}

function viewMachine(
  rows: MachineRows,
  { nowMs, draw }: Moment,
  reader: ObjectReader,
): MachineSnapshot | undefined {
  const { machine } = rows;
  const kind = "Metal3Machine";
  const object = reader.read(kind, metal3Machine, typed(kind, machine.object));
  if (object === undefined) return undefined;
  return {
    kind: "machine",
    nowMs,
    draw,
    object,
    deleted: machine.deleted,
    memory: machine.memory,
    coreCluster: reader.read("Cluster", coreCluster, rows.coreCluster),
    owner: reader.read("Machine", coreMachine, rows.owner),
    metal3Cluster: reader.read(clusterKind, metal3Cluster, typed(clusterKind, rows.metal3Cluster)),
    // One that cannot be read changes nothing.
    template: makeObjectReader().read(
      templateKind,
      metal3MachineTemplate,
      typed(templateKind, rows.template),
    ),
    ...viewHosts(rows, nowMs, reader),
    node: machine.node,
  };
}

/** Everything depends on the host that it has; one that cannot be read is nobody's choice. */
function viewHosts(
  rows: MachineRows,
  nowMs: number,
  reader: ObjectReader,
): Pick<MachineSnapshot, "host" | "hosts"> {
  const { hostUid } = rows.machine;
  const around = { sites: rows.sites, nowMs };
  if (hostUid !== undefined) {
    const claimed = rows.hosts.find(({ uid }) => uid === hostUid);
    const host = claimed === undefined ? undefined : viewHost(claimed, around, reader);
    return { host, hosts: [] };
  }
  const hosts = rows.hosts.flatMap((row) => viewHost(row, around, makeObjectReader()) ?? []);
  return { host: undefined, hosts };
}

function viewCluster(
  rows: MachineRows,
  { nowMs }: Moment,
  reader: ObjectReader,
): ClusterSnapshot | undefined {
  const { machine, machines } = rows;
  const object = reader.read(clusterKind, metal3Cluster, typed(clusterKind, machine.object));
  if (object === undefined) return undefined;
  return {
    kind: "cluster",
    nowMs,
    object,
    deleted: machine.deleted,
    memory: machine.memory,
    coreCluster: reader.read("Cluster", coreCluster, rows.coreCluster),
    machines,
  };
}

// Rows of the store → the snapshot that a decision about an object of the machine side is made from. Pure.
import { metal3Cluster } from "../../../shared/capm3/v1beta2/metal3-cluster.ts";
import { metal3Machine } from "../../../shared/capm3/v1beta2/metal3-machine.ts";
import { metal3MachineTemplate } from "../../../shared/capm3/v1beta2/metal3-machine-template.ts";
import { coreCluster, coreMachine } from "../../../shared/machine/core-objects.ts";
import { objectKinds } from "../../../shared/machine/flavour.ts";
import type { ClusterSnapshot, MachineSnapshot } from "../../../shared/machine/snapshot.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { MachineRow, MachineRows } from "../../ports.ts";
import { makeObjectReader, typed, type ObjectReader } from "./read-objects.ts";
import type { AnySnapshot } from "./reconcile-machine.ts";
import { viewHosts } from "./view-host.ts";
import { viewMachineSet, viewOpenShiftMachine } from "./view-openshift.ts";

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
): Result<AnySnapshot, "invalid"> {
  const reader = makeObjectReader();
  const snapshot = views[rows.machine.resource](rows, moment, reader);
  const problems = reader.problems();
  return snapshot === undefined || problems !== "" ? err("invalid", problems) : ok(snapshot);
}

type View = (rows: MachineRows, moment: Moment, reader: ObjectReader) => AnySnapshot | undefined;

const views: Readonly<Record<MachineRow["resource"], View>> = {
  metal3clusters: viewCluster,
  metal3machines: viewMachine,
  "machines.machine.openshift.io": viewOpenShiftMachine,
  "machinesets.machine.openshift.io": viewMachineSet,
};

const { metal3clusters: clusterKind, metal3machines: machineKind } = objectKinds;
const templateKind = { ...machineKind, kind: "Metal3MachineTemplate" };

function viewMachine(
  rows: MachineRows,
  { nowMs, draw }: Moment,
  reader: ObjectReader,
): MachineSnapshot | undefined {
  const { machine } = rows;
  const object = reader.read(machineKind.kind, metal3Machine, typed(machineKind, machine.object));
  if (object === undefined) return undefined;
  return {
    kind: "machine",
    resource: "metal3machines",
    nowMs,
    draw,
    object,
    deleted: machine.deleted,
    memory: machine.memory,
    coreCluster: reader.read("Cluster", coreCluster, rows.coreCluster),
    owner: reader.read("Machine", coreMachine, rows.owner),
    metal3Cluster: readMetal3Cluster(rows.metal3Cluster, reader),
    // One that cannot be read changes nothing.
    template: makeObjectReader().read(
      templateKind.kind,
      metal3MachineTemplate,
      typed(templateKind, rows.template),
    ),
    ...viewHosts(rows, nowMs, reader),
    node: machine.node,
  };
}

function readMetal3Cluster(object: unknown, { read }: ObjectReader) {
  return read(clusterKind.kind, metal3Cluster, typed(clusterKind, object));
}

function viewCluster(
  rows: MachineRows,
  { nowMs }: Moment,
  reader: ObjectReader,
): ClusterSnapshot | undefined {
  const { machine, machines } = rows;
  const object = readMetal3Cluster(machine.object, reader);
  if (object === undefined) return undefined;
  return {
    kind: "cluster",
    resource: "metal3clusters",
    nowMs,
    object,
    deleted: machine.deleted,
    memory: machine.memory,
    coreCluster: reader.read("Cluster", coreCluster, rows.coreCluster),
    machines,
  };
}

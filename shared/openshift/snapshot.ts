// Snapshots of OpenShift's kinds: all that a decision about a Machine or a MachineSet may look at.
import type { Common, HostBrief, TakerSnapshot } from "../machine/snapshot.ts";
import type { NodeFact } from "../protocol/facts/node-fact.ts";
import type { OpenShiftMachineSet } from "./machine-set.ts";
import type { OpenShiftMachine } from "./machine.ts";

/** Of a Machine of OpenShift; it has no Cluster. */
export interface OpenShiftMachineSnapshot extends TakerSnapshot {
  readonly kind: "openshift-machine";
  readonly machine: OpenShiftMachine;
  /** Why its provider spec cannot be followed; undefined: `object.spec` is it. */
  readonly problem: { readonly isForeign: boolean; readonly message: string } | undefined;
}

/** A Machine as its MachineSet counts it. */
export interface Member {
  readonly object: Pick<OpenShiftMachine, "metadata" | "status">;
  readonly node: NodeFact | undefined;
}

export interface MachineSetSnapshot extends Omit<Common<OpenShiftMachineSet>, "coreCluster"> {
  readonly kind: "machine-set";
  readonly resource: "machinesets.machine.openshift.io";
  /** All Machines of its namespace. */
  readonly members: readonly Member[];
  /** All of its namespace, if it follows them. */
  readonly hosts: readonly HostBrief[];
}

// Rows of OpenShift's Machines and MachineSets → their snapshots. Pure.
import { z } from "zod";
import { objectKinds } from "../../../shared/machine/flavour.ts";
import type {
  MachineSetSnapshot,
  Member,
  OpenShiftMachineSnapshot,
} from "../../../shared/openshift/snapshot.ts";
import { objectMeta } from "../../../shared/metal3/object-meta.ts";
import { openShiftMachineSet } from "../../../shared/openshift/machine-set.ts";
import { machineStatus, openShiftMachine } from "../../../shared/openshift/machine.ts";
import { readProviderSpec } from "../../../shared/openshift/provider-spec.ts";
import type { MachineRows } from "../../ports.ts";
import type { Moment } from "./make-machine-snapshot.ts";
import { makeObjectReader, typed, type ObjectReader } from "./read-objects.ts";
import { viewHosts } from "./view-host.ts";

const machineKind = objectKinds["machines.machine.openshift.io"];
const setKind = objectKinds["machinesets.machine.openshift.io"];

export function viewOpenShiftMachine(
  rows: MachineRows,
  { nowMs, draw }: Moment,
  reader: ObjectReader,
): OpenShiftMachineSnapshot | undefined {
  const { object, deleted, memory, node } = rows.machine;
  const machine = reader.read(machineKind.kind, openShiftMachine, typed(machineKind, object));
  if (machine === undefined) return undefined;
  const { providerSpec, providerID } = machine.spec;
  const wanted = readProviderSpec(providerSpec?.value);
  const problem = wanted.ok ? undefined : wanted.error;
  return {
    kind: "openshift-machine",
    resource: "machines.machine.openshift.io",
    nowMs,
    draw,
    machine,
    problem: problem && { isForeign: problem.kind === "foreign", message: problem.message },
    object: {
      metadata: machine.metadata,
      spec: {
        ...(wanted.ok ? wanted.value : {}),
        ...(providerID === undefined ? {} : { providerID }),
      },
    },
    deleted,
    memory,
    coreCluster: undefined,
    owner: undefined,
    metal3Cluster: undefined,
    template: undefined,
    ...viewHosts(rows, nowMs, reader),
    node,
  };
}

const memberObject = z.object({
  metadata: objectMeta,
  status: machineStatus.optional().catch(undefined),
});

export function viewMachineSet(
  rows: MachineRows,
  { nowMs }: Moment,
  reader: ObjectReader,
): MachineSetSnapshot | undefined {
  const { object: held, deleted, memory } = rows.machine;
  const object = reader.read(setKind.kind, openShiftMachineSet, typed(setKind, held));
  if (object === undefined) return undefined;
  const members = rows.members.flatMap(({ object: member, node }): readonly Member[] => {
    const read = makeObjectReader().read(machineKind.kind, memberObject, member);
    return read === undefined ? [] : [{ object: read, node }];
  });
  return {
    kind: "machine-set",
    resource: "machinesets.machine.openshift.io",
    nowMs,
    object,
    deleted,
    memory,
    members,
    hosts: viewHosts(rows, nowMs, reader).hosts,
  };
}

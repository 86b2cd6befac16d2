// L20: after the faults every host becomes as its spec asks, or says why not, and every machine has its host, and every
// MachineSet of OpenShift its Machines. What was found out about a host's hardware stands beside it; no Node outlives its
// Machine.
import { standIn, standOf } from "../run/converged.ts";
import type { KubernetesObject } from "../world/events.ts";
import { isHeld, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { machineOfNode } from "./left-nodes.ts";
import { isOpenShiftMachine } from "./machine-of.ts";

export const l20: JudgeKind = {
  id: "L20",
  says: "60 minutes after the last fault every host, machine and MachineSet is as wanted, or has an error that a person can read",
  make: (report) => ({
    on: {},
    atEnd(truth) {
      for (const cluster of truth.clusters) {
        const objects = truth.objects(cluster);
        for (const [path, object] of objects) {
          if (standIn(objects, object) !== "waiting") continue;
          const state = JSON.stringify(object.status ?? {}).slice(0, 300);
          report(`${path} still waits: ${state}`, path);
        }
        for (const [path, node] of strayNodes(objects)) {
          report(`${path} is left of Machine ${machineOfNode(node)}, which is gone`, path);
        }
        for (const { metadata } of withoutHardwareData(objects)) {
          report(`${metadata.name} was inspected, and has no HardwareData`, metadata.uid);
        }
      }
    },
  }),
};

type Objects = ReadonlyMap<string, KubernetesObject>;

/** Nodes of Machines of OpenShift that are not there any more. */
function strayNodes(objects: Objects): readonly (readonly [string, KubernetesObject])[] {
  const machines = [...objects.values()].filter(isOpenShiftMachine);
  const names = new Set(machines.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  return [...objects].filter(([, object]) => {
    const machine = object.kind === "Node" ? machineOfNode(object) : undefined;
    return machine !== undefined && !names.has(machine);
  });
}

function withoutHardwareData(objects: Objects): readonly KubernetesObject[] {
  const nameOf = ({ metadata: { namespace, name } }: KubernetesObject) => `${namespace}/${name}`;
  const all = [...objects.values()];
  const there = new Set(all.filter(({ kind }) => kind === "HardwareData").map(nameOf));
  return all.filter(
    (object) =>
      object.kind === "BareMetalHost" &&
      object.status?.["hardware"] !== undefined &&
      (statusOf(object).errorMessage ?? "") === "" &&
      standOf(object) === "wanted" &&
      !isHeld(object) &&
      !there.has(nameOf(object)),
  );
}

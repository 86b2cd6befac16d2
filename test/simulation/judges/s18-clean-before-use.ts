// S18: nobody is offered a host whose disks were not cleaned, and no image is written over what was there before.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";
import type { MachineTruth, Truth } from "../world/truth.ts";
import { CleanDisks, isClean } from "./clean-disks.ts";
import { bootsFrom, hostOf, specOf, stateOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { Swapped } from "./swapped.ts";

type ObjectEvent = Extract<WorldEvent, { readonly kind: "object" }>;
type MessageEvent = Extract<WorldEvent, { readonly kind: "ramdisk-message" }>;

/** A host that comes from one of these may have anything on its disks. */
const used: readonly string[] = ["", "externally provisioned", "provisioning", "provisioned"];

export const s18: JudgeKind = {
  id: "S18",
  says: "a host becomes available, and is written, only after its disks were clean, unless cleaning is disabled",
  make(report) {
    const clean = new CleanDisks();
    const swapped = new Swapped();
    const usedMs = new Map<string, number>();
    const disabledMs = new Map<string, number>();
    const writes = new Set<string>();
    const onWrite = ({ machine: name, operationId = "" }: MessageEvent, truth: Truth): void => {
      const machine = truth.machines.get(name);
      const host = hostOf(truth, name);
      if (machine === undefined || host === undefined || writes.has(operationId)) return;
      writes.add(operationId);
      if (isClean(machine) || swapped.has(name)) return;
      const keptMs = disabledMs.get(host.metadata.uid);
      if (keptMs !== undefined && keptMs >= clean.lastMs(name)) return;
      report("is to be written, and something is on its disks", name);
    };
    const remember = ({ before, after, atMs }: ObjectEvent): void => {
      const { uid } = after.metadata;
      const isNews = before === undefined || stateOf(before) !== stateOf(after);
      if (isNews && used.includes(stateOf(after))) usedMs.set(uid, atMs);
      if (isUncleaned(before) || isUncleaned(after)) disabledMs.set(uid, atMs);
    };
    return {
      on: {
        fault: (event) => swapped.onFault(event),
        "ramdisk-message"(event, truth) {
          clean.onMessage(event, truth);
          const { direction, type, step } = event;
          if (direction === "to ramdisk" && type === "run" && step === "write")
            onWrite(event, truth);
        },
        object(event, truth) {
          const { before, after, verb } = event;
          if (after.kind !== "BareMetalHost" || verb === "gone") return;
          remember(event);
          const from = stateOf(before);
          if (stateOf(after) !== "available" || from === "available") return;
          const { uid } = after.metadata;
          const sinceMs = usedMs.get(uid) ?? -Infinity;
          if ((disabledMs.get(uid) ?? -Infinity) >= sinceMs) return;
          const machine = machineOf(truth, after);
          if (machine === undefined || swapped.has(machine.name)) return;
          if (clean.wereSince(machine, sinceMs)) return;
          report(`available after ${from}, and something is on its disks`, machine.name);
        },
      },
    };
  },
};

function isUncleaned(host: KubernetesObject | undefined): boolean {
  return specOf(host).automatedCleaningMode === "disabled";
}

/** The one whose BMC and whose MAC are the host's, and that no other host names. */
function machineOf(truth: Truth, host: KubernetesObject): MachineTruth | undefined {
  const machines = [...truth.machines.values()].filter((machine) => bootsFrom(host, machine));
  return machines.find(({ name }) => hostOf(truth, name)?.metadata.uid === host.metadata.uid);
}

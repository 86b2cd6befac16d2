// S22: a deletion erases nothing that is not ours to erase, and lets go of nothing that runs or holds data while that
// could still be ended.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";
import type { MachineTruth, Truth } from "../world/truth.ts";
import { CleanDisks } from "./clean-disks.ts";
import { ClusterLines } from "./cluster-lines.ts";
import { Deletions, isLeftAlone } from "./deletions.ts";
import type { Deletion } from "./deletions.ts";
import { onItsWayMs, Since } from "./history.ts";
import { bootsFrom, specOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { LeftNodes } from "./left-nodes.ts";
import { partsOfOperation } from "./operations.ts";
import { Swapped } from "./swapped.ts";

type ObjectEvent = Extract<WorldEvent, { readonly kind: "object" }>;

/** From a switch-on until it is known to be one. */
const bootsMs = 5_000;
/** Of a host that never got further nothing was switched on. */
const untouched: readonly (string | undefined)[] = [undefined, "", "unmanaged", "registering"];

export const s22: JudgeKind = {
  id: "S22",
  says: "deleting erases no host that is left alone, and no host goes that was neither switched off nor cleaned; no Node goes but the drained one of a Machine that goes",
  make(report) {
    const clean = new CleanDisks();
    const swapped = new Swapped();
    const lines = new ClusterLines();
    const leftAlone = new Since(isLeftAlone);
    const deletions = new Deletions();
    const leftNodes = new LeftNodes();
    const goneMs = new Map<string, number>();
    /** When each machine was off, or was told to be, last; and when an agent switched it on. */
    const offMs = new Map<string, number>();
    const bootedMs = new Map<string, number>();
    /** Since a boot for its inspection, which was under way when the host was deleted. */
    const isStillOn = ({ name }: MachineTruth, { sinceMs, shown }: Deletion): boolean => {
      const atMs = bootedMs.get(name) ?? Infinity;
      const isOfInspection = shown === "inspecting" && atMs < sinceMs - bootsMs;
      return isOfInspection && (offMs.get(name) ?? -Infinity) < atMs;
    };

    const mayGo = (machine: MachineTruth, deletion: Deletion): boolean => {
      if (isStillOn(machine, deletion)) return false;
      const wasOff = (offMs.get(machine.name) ?? -Infinity) > deletion.sinceMs - onItsWayMs;
      return wasOff || untouched.includes(deletion.state);
    };
    const letGo = (event: ObjectEvent, truth: Truth): void => {
      const deletion = deletions.binding(event);
      const machine = machineOf(truth, event.after);
      if (deletion === undefined || machine === undefined || swapped.has(machine.name)) return;
      const { sinceMs, state } = deletion;
      const { disablePowerOff, automatedCleaningMode } = specOf(event.after);
      const after = `${event.atMs - sinceMs} ms after it was deleted`;
      if (machine.on && disablePowerOff !== true && !mayGo(machine, deletion))
        report(`let go of while it ran, ${after}`, machine.name);
      const isOurs = state === "provisioned" && automatedCleaningMode !== "disabled";
      if (isOurs && !clean.wereSince(machine, sinceMs)) {
        report(`let go of uncleaned, ${after}`, machine.name);
      }
    };
    return {
      on: {
        fault(event) {
          swapped.onFault(event);
          lines.onFault(event);
        },
        "fault-ended": (event) => lines.onFault(event),
        commit: (event) => lines.onCommit(event),
        power: ({ machine, on, atMs }) => void (on || offMs.set(machine, atMs)),
        "power-command"({ machine, action, agent, atMs }) {
          if (agent === undefined) return;
          if (action === "on") bootedMs.set(machine, atMs);
          else offMs.set(machine, atMs);
        },
        object(event, truth) {
          lines.onObject(event);
          leftAlone.onObject(event);
          deletions.onObject(event);
          const left = leftNodes.onObject(event, truth);
          if (left !== undefined) report(left, event.path);
          if (event.after.kind !== "BareMetalHost" || event.verb !== "gone") return;
          goneMs.set(event.after.metadata.uid, event.atMs);
          letGo(event, truth);
        },
        "ramdisk-message"(event, truth) {
          clean.onMessage(event, truth);
          if (event.type !== "go" || event.direction !== "to ramdisk") return;
          const { hostUid } = partsOfOperation(event.operationId ?? "");
          const wentMs = goneMs.get(hostUid) ?? Infinity;
          const sinceMs = event.atMs - wentMs;
          // Nobody hears of one that goes while all watches stand still.
          if (sinceMs > onItsWayMs && !lines.isStalledSince(hostUid, wentMs, event.atMs)) {
            report(`go for a host that went ${sinceMs} ms ago`, event.machine);
          }
          const heldMs = leftAlone.heldMs(hostUid, event.atMs);
          if (deletions.has(hostUid) && heldMs > onItsWayMs) {
            report(`go for a deleted host that was left alone for ${heldMs} ms`, event.machine);
          }
        },
      },
    };
  },
};

/** The one whose BMC and whose MAC are the host's, which may be gone already. */
function machineOf({ machines }: Truth, host: KubernetesObject): MachineTruth | undefined {
  const address = specOf(host).bmc?.address ?? "";
  return [...machines.values()].find((machine) => {
    const full = `ipmi://${machine.bmcAddress}`;
    return bootsFrom(host, machine) && [full, full.replace(/:623$/, "")].includes(address);
  });
}

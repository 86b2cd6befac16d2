// S6: nothing is done to a machine that is nobody's host, nor to another one than was inspected.
import { firstOfBoot } from "./first-of-boot.ts";
import { onItsWayMs } from "./history.ts";
import { bootMacOf, bootsFrom } from "./host-of.ts";
import type { MachineTruth } from "../world/truth.ts";
import type { JudgeKind } from "./judge.ts";
import { partsOfOperation } from "./operations.ts";
import { Swapped } from "./swapped.ts";

export const s6: JudgeKind = {
  id: "S6",
  says: "work begins only on a machine that a host of ours stands for, by its boot MAC, and that is the inspected one",
  make(report) {
    const isFirst = firstOfBoot();
    const gone = new Map<string, number>();
    /** What the machine of each host was when it was inspected last, by the host's uid. */
    const inspected = new Map<string, string>();
    const swapped = new Swapped();
    return {
      on: {
        fault: (event) => swapped.onFault(event),
        "ramdisk-message"({ machine: name, type, step, operationId = "" }, truth) {
          const machine = truth.machines.get(name);
          if (machine === undefined || swapped.has(name)) return;
          const { hostUid } = partsOfOperation(operationId);
          if (type === "done" && step === "inspect") inspected.set(hostUid, boardOf(machine));
          const known = inspected.get(hostUid) ?? boardOf(machine);
          if (type !== "go" || known === boardOf(machine)) return;
          report(`go for ${operationId} on ${boardOf(machine)}, inspected was ${known}`, name);
        },
        object({ after, verb, atMs }) {
          if (after.kind !== "BareMetalHost" || verb !== "gone") return;
          gone.set(bootMacOf(after), atMs);
        },
        disk(event, truth) {
          const machine = truth.machines.get(event.machine);
          if (machine === undefined || !isFirst(event)) return;
          const isMeant = truth.clusters.some((cluster) =>
            [...truth.objects(cluster).values()].some(
              (object) => object.kind === "BareMetalHost" && bootsFrom(object, machine),
            ),
          );
          const goneMs = Math.max(...machine.macs.map((mac) => gone.get(mac) ?? -Infinity));
          if (isMeant || event.atMs - goneMs <= onItsWayMs) return;
          const text = `${event.change} on ${event.disk}, and no host names a MAC of the machine`;
          report(text, event.machine);
        },
      },
    };
  },
};

function boardOf({ systemUuid, serialNumber }: MachineTruth): string {
  return `${systemUuid} ${serialNumber}`;
}

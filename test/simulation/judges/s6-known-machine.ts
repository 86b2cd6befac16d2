// S6: nothing is done to a machine that is nobody's host, nor to another one than was inspected; and the hardware that a
// host shows, by which its machine is recognised, is what an inspection of that host has found.
import { firstOfBoot } from "./first-of-boot.ts";
import { onItsWayMs } from "./history.ts";
import { bootMacOf, bootsFrom } from "./host-of.ts";
import type { KubernetesObject } from "../world/events.ts";
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
    /** Serial numbers of all machines that were found there. */
    const found = new Map<string, Set<string>>();
    const swapped = new Swapped();
    return {
      on: {
        fault: (event) => swapped.onFault(event),
        "ramdisk-message"({ machine: name, type, step, operationId = "" }, truth) {
          const machine = truth.machines.get(name);
          if (machine === undefined) return;
          const { hostUid } = partsOfOperation(operationId);
          const isInspected = type === "done" && step === "inspect";
          if (isInspected)
            found.set(hostUid, (found.get(hostUid) ?? new Set()).add(machine.serialNumber));
          if (swapped.has(name)) return;
          if (isInspected) inspected.set(hostUid, boardOf(machine));
          const known = inspected.get(hostUid) ?? boardOf(machine);
          if (type !== "go" || known === boardOf(machine)) return;
          report(`go for ${operationId} on ${boardOf(machine)}, inspected was ${known}`, name);
        },
        object({ after, verb, atMs }) {
          if (after.kind !== "BareMetalHost") return;
          if (verb === "gone") gone.set(bootMacOf(after), atMs);
          const shown = serialShownBy(after);
          const { uid, name } = after.metadata;
          if (verb !== "status" || shown === undefined || found.get(uid)?.has(shown) === true)
            return;
          report(`${name} shows ${shown}, which no inspection of it has found`, name);
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

function serialShownBy({ status = {} }: KubernetesObject): string | undefined {
  const { hardware } = status as {
    readonly hardware?: { readonly systemVendor?: { readonly serialNumber?: string } };
  };
  return hardware?.systemVendor?.serialNumber;
}

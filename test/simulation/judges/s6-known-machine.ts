// S6: nothing is done to a machine that is nobody's host.
import { firstOfBoot } from "./first-of-boot.ts";
import { onItsWayMs } from "./history.ts";
import { bootMacOf, bootsFrom } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

export const s6: JudgeKind = {
  id: "S6",
  says: "work begins only on a machine that a host of ours stands for, by its boot MAC",
  make(report) {
    const isFirst = firstOfBoot();
    const gone = new Map<string, number>();
    return {
      on: {
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

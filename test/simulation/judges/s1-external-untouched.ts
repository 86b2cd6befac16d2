// S1: what others have put on a host's disks stays there.
import { firstOfBoot } from "./first-of-boot.ts";
import { onItsWayMs, Since } from "./history.ts";
import { bootsFrom, specOf, stateOf, wasNeverHeld } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { judgeWords } from "./known-holds.ts";

export const s1: JudgeKind = {
  id: "S1",
  says: "nothing is erased or written on a host that is externally provisioned at the point of no return",
  make(report) {
    const isFirst = firstOfBoot();
    const external = new Since((object) => specOf(object).externallyProvisioned === true);
    return {
      on: {
        ...judgeWords(
          report,
          "externally provisioned",
          ({ externallyProvisioned }) => externallyProvisioned,
        ),
        object: (event) => external.onObject(event),
        disk(event, truth) {
          if (!isFirst(event)) return;
          const machine = truth.machines.get(event.machine);
          const hosts = truth.hostsOf(event.machine);
          for (const { object } of hosts) {
            if (!bootsFrom(object, machine)) continue;
            if (hosts.length > 1 && wasNeverHeld(object)) continue;
            const heldMs = external.heldMs(object.metadata.uid, event.atMs);
            const isKnown = stateOf(object) === "externally provisioned";
            if (heldMs > onItsWayMs || (heldMs >= 0 && isKnown)) {
              report(
                `${event.change} on ${event.disk}: externally provisioned for ${heldMs} ms`,
                event.machine,
              );
            }
          }
        },
      },
    };
  },
};

// S2: the power of a host that is in people's hands is not cut.
import { onItsWayMs, Since } from "./history.ts";
import { isHandsOff } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

const cuts: readonly string[] = ["off", "cycle", "reset", "soft"];

export const s2: JudgeKind = {
  id: "S2",
  says: "no host that is detached, paused or gone is switched off or restarted",
  make(report) {
    const held = new Since(isHandsOff);
    return {
      on: {
        object: (event) => held.onObject(event),
        "power-command"(event, truth) {
          if (event.agent === undefined || !cuts.includes(event.action)) return;
          const hosts = truth.hostsOf(event.machine);
          for (const { object } of hosts) {
            const heldMs = held.heldMs(object.metadata.uid, event.atMs);
            if (heldMs > onItsWayMs)
              report(`${event.action} after ${heldMs} ms of being held`, event.machine);
          }
        },
      },
    };
  },
};

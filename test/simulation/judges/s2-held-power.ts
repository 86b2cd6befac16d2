// S2: the power of a host that is in people's hands is not cut, and an agent that knows that it is switches nothing.
import { onItsWayMs, Since } from "./history.ts";
import { isHandsOff } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { KnownPower } from "./known-power.ts";

const cuts: readonly string[] = ["off", "cycle", "reset", "soft"];

export const s2: JudgeKind = {
  id: "S2",
  says: "no host that is detached, paused or gone is switched off or restarted",
  make(report) {
    const held = new Since(isHandsOff);
    const known = new KnownPower();
    return {
      on: {
        ...known.on,
        object: (event) => held.onObject(event),
        "power-command"({ machine, action, agent, atMs }, truth) {
          if (agent === undefined) return;
          const bmcAddress = truth.machines.get(machine)?.bmcAddress ?? "";
          const problem = known.problem(agent, bmcAddress, atMs);
          if (problem !== undefined) report(`${action} by ${agent}, which ${problem}`, machine);
          if (!cuts.includes(action)) return;
          for (const { object } of truth.hostsOf(machine)) {
            const heldMs = held.heldMs(object.metadata.uid, atMs);
            if (heldMs > onItsWayMs) report(`${action} after ${heldMs} ms of being held`, machine);
          }
        },
      },
    };
  },
};

// S21: a host that must not be switched off is not.
import { onItsWayMs, Since } from "./history.ts";
import { hostOf, specOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

export const s21: JudgeKind = {
  id: "S21",
  says: "a host with disablePowerOff is never switched off or cycled",
  make(report) {
    const fixed = new Since((object) => specOf(object).disablePowerOff === true);
    return {
      on: {
        object: (event) => fixed.onObject(event),
        "power-command"({ machine, action, agent, atMs }, truth) {
          if (agent === undefined || (action !== "off" && action !== "cycle" && action !== "soft"))
            return;
          const host = hostOf(truth, machine);
          const isFixed = host !== undefined && fixed.heldMs(host.metadata.uid, atMs) > onItsWayMs;
          if (isFixed) report(`${action}, and spec.disablePowerOff is true`, machine);
        },
      },
    };
  },
};

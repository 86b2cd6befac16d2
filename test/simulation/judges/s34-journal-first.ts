// S34: what destroys is written down before.
import { firstOfBoot } from "./first-of-boot.ts";
import type { JudgeKind } from "./judge.ts";

export const s34: JudgeKind = {
  id: "S34",
  says: "before the first destroyed byte the journal says durably that the operation destroys",
  make(report) {
    const isFirst = firstOfBoot();
    return {
      on: {
        disk(event, truth) {
          const machine = truth.machines.get(event.machine);
          if (machine === undefined || !isFirst(event)) return;
          const states = truth
            .journal(machine.site)
            .flatMap(({ rows }) => rows)
            .filter(({ state }) => state === "destroying");
          if (states.length === 0) {
            report(`${event.change} on ${event.disk}, and no journal says so`, event.machine);
          }
        },
      },
    };
  },
};

// S19: nobody's system goes on running after its host was given back.
import { bootsFrom, hostOf, specOf, stateOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

export const s19: JudgeKind = {
  id: "S19",
  says: "an available host does not run the system of a former tenant",
  make: (report) => ({
    on: {
      running(event, truth) {
        if (event.running !== "operating system") return;
        const host = hostOf(truth, event.machine);
        const isOurs =
          event.system !== undefined &&
          event.system !== "old" &&
          bootsFrom(host, truth.machines.get(event.machine));
        if (
          host !== undefined &&
          isOurs &&
          stateOf(host) === "available" &&
          specOf(host).automatedCleaningMode !== "disabled"
        ) {
          report(`available, and runs ${event.system}`, event.machine);
        }
      },
    },
  }),
};

// S34: what destroys is written down before, and told afterwards.
import { firstOfBoot } from "./first-of-boot.ts";
import type { JudgeKind } from "./judge.ts";

export const s34: JudgeKind = {
  id: "S34",
  says: "before the first destroyed byte the journal says durably that the operation destroys, and its failure tells it",
  make(report) {
    const isFirst = firstOfBoot();
    /** What each machine's ramdisk was allowed last, and what of that has begun. */
    const allowed = new Map<string, string>();
    const begun = new Set<string>();
    return {
      on: {
        "ramdisk-message"({ machine, type, operationId }) {
          if (type === "go" && operationId !== undefined) allowed.set(machine, operationId);
        },
        running({ machine, running }) {
          if (running === "firmware" || running === "nothing") allowed.delete(machine);
        },
        reported({ agent, operationId = "", failure, destroyed }) {
          if (destroyed !== false || !begun.has(operationId)) return;
          report(`${operationId} has destroyed, and its failure (${failure}) denies it`, agent);
        },
        disk(event, truth) {
          const operationId = allowed.get(event.machine);
          if (operationId !== undefined) begun.add(operationId);
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

// S31: what an order may do ends by true time, whatever the clock of its site shows. That leases and login budgets do,
// too, is S30 and S15: sites' clocks are wrong and jump in all runs.
import type { JudgeKind } from "./judge.ts";

/** The word "go" is on its way to the ramdisk meanwhile. */
const onItsWayMs = 10_000;

interface Received {
  readonly atMs: number;
  readonly validForMs: number;
}

export const s31: JudgeKind = {
  id: "S31",
  says: "an operation that is older, by true time, than it may be begins to destroy nothing",
  make(report) {
    const received = new Map<string, Received>();
    return {
      on: {
        delivered({ operationId, validForMs, atMs }) {
          if (operationId === undefined || validForMs === undefined) return;
          // One that comes again is the same: its age counts from the first time.
          if (!received.has(operationId)) received.set(operationId, { atMs, validForMs });
        },
        enrolled: () => received.clear(),
        "ramdisk-message"({ machine, direction, type, operationId = "", atMs }) {
          const order = received.get(operationId);
          if (direction !== "to ramdisk" || type !== "go" || order === undefined) return;
          const ageMs = atMs - order.atMs;
          if (ageMs > order.validForMs + onItsWayMs) {
            report(`go for ${operationId} after ${ageMs} of ${order.validForMs} ms`, machine);
          }
        },
      },
    };
  },
};

// What seldom comes alone: another fault of the same cause, just before or after, at the same place or what belongs to
// it. Drawn beside a scenario's own faults, which it does not change.
import type { FaultClass, Moment } from "./scenario.ts";

export interface Companion {
  readonly fault: FaultClass;
  readonly chance: number;
  /** From the beginning of the other. */
  readonly afterMs: readonly [number, number];
  /** As the class says when absent. */
  readonly lastsMs?: readonly [number, number];
  /** It waits for one of its own. */
  readonly moment?: Moment;
}

const second = 1_000;
const minute = 60 * second;

export const companions: Readonly<Partial<Record<FaultClass, readonly Companion[]>>> = {
  // A machine is restored beside the first because that did not answer: it stands still, or is cut off with its copy.
  "agent-cloned": [
    {
      fault: "agent-paused",
      chance: 0.5,
      afterMs: [-5 * second, 30 * second],
      lastsMs: [20 * second, 60 * second],
    },
    {
      fault: "wan-partition",
      chance: 0.5,
      afterMs: [0, 30 * second],
      lastsMs: [minute, 5 * minute],
    },
    // The first comes back while it is at work, and is told of the other.
    { fault: "wan-cut-links", chance: 0.6, afterMs: [second, 15 * second], moment: "power-cut" },
    {
      fault: "wan-cut-links",
      chance: 0.6,
      afterMs: [20 * second, 60 * second],
      moment: "power-cut",
    },
  ],
  // A time server that is out of reach, and then not.
  "agent-clock-jump": [
    {
      fault: "wan-partition",
      chance: 0.5,
      afterMs: [-40 * second, 15 * second],
      lastsMs: [30 * second, 4 * minute],
    },
  ],
  // What took the database took a site with it.
  "database-restored": [{ fault: "agent-crash", chance: 0.5, afterMs: [-20 * second, 3 * second] }],
  // Who was away for long finds that the API server has forgotten where he was.
  "agent-crash": [
    {
      fault: "api-watch-window",
      chance: 0.2,
      afterMs: [-5 * second, second],
      lastsMs: [minute, 2 * minute],
    },
  ],
};

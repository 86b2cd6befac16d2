// What one run of a scenario gives.
import type { WorldEvent } from "../world/events.ts";
import type { Scenario } from "../workload/scenario.ts";
import type { Violation } from "../judges/judge.ts";
import type { Counts } from "../judges/vacuity.ts";

export interface RunOptions {
  /** Keep all events: costs memory. */
  readonly trace?: boolean | undefined;
  /** Stop at this virtual time (ms from the start). */
  readonly untilMs?: number | undefined;
  /** Told of everything that the world sees. */
  readonly onEvent?: ((event: WorldEvent) => void) | undefined;
  /** Stop at the first violation. */
  readonly stopAtFirst?: boolean | undefined;
}

export interface Run {
  readonly scenario: Scenario;
  readonly violations: readonly Violation[];
  /** Of everything that was noted: equal for equal scenarios. */
  readonly hash: string;
  /** Kernel events. */
  readonly events: number;
  readonly virtualMs: number;
  readonly wallMs: number;
  readonly counts: Counts;
  /** Empty without `trace`. */
  readonly trace: readonly WorldEvent[];
  /** Why the run could not go on. */
  readonly stuck: string | undefined;
}

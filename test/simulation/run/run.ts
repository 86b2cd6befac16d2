// What one run of a scenario gives.
import type { CallHook } from "../kernel/life.ts";
import type { WorldEvent } from "../world/events.ts";
import type { Scenario } from "../workload/scenario.ts";
import type { Violation } from "../judges/judge.ts";
import type { Counts } from "../judges/vacuity.ts";
import type { World } from "./world.ts";

/** Sees everything as it happens, and may do something to the world at that very moment. */
export interface Onlooker {
  /** Everybody has been started, and nothing was done yet. */
  onStart(world: World): void;
  readonly onCall: CallHook;
  onEvent(event: WorldEvent): void;
  /** Nobody does anything any more. */
  onEnd(world: World): void;
}

export interface RunOptions {
  /** Keep all events: costs memory. */
  readonly trace?: boolean | undefined;
  /** Stop at this virtual time (ms from the start). */
  readonly untilMs?: number | undefined;
  /** Told of everything that the world sees. */
  readonly onEvent?: ((event: WorldEvent) => void) | undefined;
  /** Stop at the first violation. */
  readonly stopAtFirst?: boolean | undefined;
  readonly onlooker?: Onlooker | undefined;
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
  /** That this process used meanwhile, on all cores: what a run costs beside other load, too. */
  readonly cpuMs: number;
  readonly counts: Counts;
  /** Empty without `trace`. */
  readonly trace: readonly WorldEvent[];
  /** Why the run could not go on. */
  readonly stuck: string | undefined;
}

// How long a machine takes for what it does, in virtual milliseconds.
import type { Random } from "../kernel/random.ts";

export interface MachineTimes {
  /** From power-on until the firmware looks for something to boot. */
  readonly firmwareMs: number;
  /** Until it looks again. */
  readonly againMs: number;
  /** From the loaded kernel until the ramdisk program runs. */
  readonly kernelMs: number;
  /** From a soft power-off until the operating system has ended. */
  readonly shutdownMs: number;
  /** In a power cycle. */
  readonly offMs: number;
  /** What a disk takes for one command, at most. */
  readonly diskCommandMs: number;
}

/** The same for the whole life of a machine. */
export function drawTimes(random: Random): MachineTimes {
  return {
    firmwareMs: random.between(5_000, 40_000),
    againMs: random.between(20_000, 60_000),
    kernelMs: random.between(5_000, 20_000),
    shutdownMs: random.between(1_000, 15_000),
    offMs: random.between(500, 5_000),
    diskCommandMs: random.pick([5, 20, 200]),
  };
}

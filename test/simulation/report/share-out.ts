// Shares seeds out to worker processes, one at a time, until all are played or somebody has enough. A planted bug is
// given to the workers by their environment: it lives in their modules and nowhere else.
import { join } from "node:path";
import { forkWorkers } from "./fork-workers.ts";
import type { SimOptions } from "./options.ts";
import type { Outcome } from "./summary.ts";

const worker = join(import.meta.dirname, "worker.ts");
const planter = join(import.meta.dirname, "../planted/load-planted.ts");

/**
 * Most of what a run makes dies young: with room for it less is collected. Without the last two each 64 MiB that went
 * through buffers had the whole heap looked at, and threads stepped on each other for a core that they share.
 */
const roomy = [
  "--max-semi-space-size=64",
  "--min-semi-space-size=64",
  "--external-memory-accounted-in-global-limit",
  "--no-parallel-scavenge",
];

export interface Work {
  /** Of one run after the other, by the same workers: whose code is warm plays twice as fast. Of one tier. */
  readonly options: readonly SimOptions[];
  /** Name of a planted bug; undefined: the product as it is. */
  readonly bug?: string | undefined;
  /** The seeds of each of the options, when absent. */
  readonly seeds?: readonly number[];
  readonly jobs?: number;
}

interface Task {
  readonly seed: number;
  readonly options: SimOptions;
}

/** `onOutcome` returns true when it has enough. Throws when a worker ends before its work. */
export async function shareOut(
  { options, bug, seeds, jobs = options[0]?.jobs ?? 1 }: Work,
  onOutcome: (outcome: Outcome, options: SimOptions) => boolean,
): Promise<void> {
  const tasks = options.flatMap((each) =>
    (seeds ?? seedsOf(each)).map((seed): Task => ({ seed, options: each })),
  );
  const execArgv = [...roomy, ...(bug === undefined ? [] : ["--import", planter])];
  const env = bug === undefined ? {} : { PLANTED_BUG: bug };
  await forkWorkers<Task, Outcome>(
    { program: worker, tasks, jobs, execArgv, env },
    (outcome, task) => onOutcome(outcome, task.options),
  );
}

function seedsOf({ from, seeds }: SimOptions): readonly number[] {
  return Array.from({ length: seeds }, (_, at) => from + at);
}

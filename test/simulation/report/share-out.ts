// Shares seeds out to worker processes, one at a time, until all are played or somebody has enough. A planted bug is
// given to the workers by their environment: it lives in their modules and nowhere else.
import { join } from "node:path";
import { forkWorkers } from "./fork-workers.ts";
import type { SimOptions } from "./options.ts";
import type { Outcome } from "./summary.ts";

const worker = join(import.meta.dirname, "worker.ts");
const planter = join(import.meta.dirname, "../planted/load-planted.ts");

/** Most of what a run makes dies young: with room for it less is collected. */
const roomy = ["--max-semi-space-size=64"];

export interface Work {
  readonly options: SimOptions;
  /** Name of a planted bug; undefined: the product as it is. */
  readonly bug?: string | undefined;
  /** The seeds of the options, when absent. */
  readonly seeds?: readonly number[];
  readonly jobs?: number;
}

/** `onOutcome` returns true when it has enough. Throws when a worker ends before its work. */
export async function shareOut(
  { options, bug, seeds = seedsOf(options), jobs = options.jobs }: Work,
  onOutcome: (outcome: Outcome) => boolean,
): Promise<void> {
  const tasks = seeds.map((seed) => ({ seed, options }));
  const execArgv = [...roomy, ...(bug === undefined ? [] : ["--import", planter])];
  const env = bug === undefined ? {} : { PLANTED_BUG: bug };
  await forkWorkers({ program: worker, tasks, jobs, execArgv, env }, onOutcome);
}

function seedsOf({ from, seeds }: SimOptions): readonly number[] {
  return Array.from({ length: seeds }, (_, at) => from + at);
}

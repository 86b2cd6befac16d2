// Shares seeds out to worker processes, one at a time, until all are played or somebody has enough. A planted bug is
// given to the workers by their environment: it lives in their modules and nowhere else.
import { fork } from "node:child_process";
import { join } from "node:path";
import type { SimOptions } from "./options.ts";
import type { Outcome } from "./summary.ts";

const worker = join(import.meta.dirname, "worker.ts");
const planter = join(import.meta.dirname, "../planted/load-planted.ts");

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
  const left = [...seeds];
  let enough = false;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const execArgv = bug === undefined ? [] : ["--import", planter];
      const env = { ...process.env, ...(bug === undefined ? {} : { PLANTED_BUG: bug }) };
      const child = fork(worker, { execArgv, env });
      const give = (): void => {
        const seed = enough ? undefined : left.shift();
        if (seed === undefined) child.disconnect();
        else child.send({ seed, options });
      };
      child.on("message", (outcome: Outcome) => {
        enough ||= onOutcome(outcome);
        give();
      });
      child.once("error", reject);
      child.once("exit", (code) => {
        if (code === 0) resolve();
        else reject(new Error(`a worker ended with ${code}; its last words are above`));
      });
      give();
    });
  await Promise.all(Array.from({ length: Math.min(jobs, left.length) }, work));
}

function seedsOf({ from, seeds }: SimOptions): readonly number[] {
  return Array.from({ length: seeds }, (_, at) => from + at);
}

// npm run sim: plays scenarios on the simulated fleet and judges them. Seeds are shared out to worker processes; a
// failing seed is told with the one command that replays it.
import { fork } from "node:child_process";
import { join } from "node:path";
import { readOptions } from "./report/options.ts";
import type { SimOptions } from "./report/options.ts";
import { corpusFiles, readCorpusFile, writeCorpusFile } from "./report/corpus.ts";
import { printRun, printSummary, summaryOf } from "./report/summary.ts";
import type { Outcome } from "./report/summary.ts";
import { timelineOf } from "./report/timeline.ts";
import { shrinkScenario } from "./report/shrink.ts";
import { bugNames, readBug } from "./planted/planted-bug.ts";
import { outcomeOf, playScenario, scenarioOf } from "./report/play.ts";

const worker = join(import.meta.dirname, "report/worker.ts");
const planter = join(import.meta.dirname, "planted/load-planted.ts");

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.planted !== undefined) return await runPlanted(options, options.planted);
  if (options.corpus) return await replayCorpus();
  if (options.seed !== undefined) return await replaySeed(options, options.seed);
  const outcomes: Outcome[] = [];
  const began = Date.now();
  await shareOut(options, undefined, (outcome) => {
    outcomes.push(outcome);
    if (outcome.problems.length > 0) printRun(outcome, options);
    return false;
  });
  const summary = summaryOf(outcomes, Date.now() - began);
  printSummary(summary, options);
  return summary.problems === 0 ? 0 : 1;
}

/** Gives each worker one seed at a time until all are done or `onOutcome` has enough. */
async function shareOut(
  options: SimOptions,
  bug: string | undefined,
  onOutcome: (outcome: Outcome) => boolean,
): Promise<void> {
  let next = options.from;
  const last = options.from + options.seeds - 1;
  let enough = false;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const execArgv = bug === undefined ? [] : ["--import", planter];
      const env = { ...process.env, ...(bug === undefined ? {} : { PLANTED_BUG: bug }) };
      const child = fork(worker, { execArgv, env });
      const give = (): void => {
        if (next > last || enough) child.disconnect();
        else child.send({ seed: next++, options });
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
  await Promise.all(Array.from({ length: Math.min(options.jobs, options.seeds) }, work));
}

async function replaySeed(options: SimOptions, seed: number): Promise<number> {
  const scenario = scenarioOf(seed, options);
  const run = await playScenario(scenario, { ...options, trace: options.trace });
  if (options.trace) for (const line of timelineOf(run.trace)) console.log(line);
  const outcome = outcomeOf(run);
  printRun(outcome, options);
  const [violation] = run.violations;
  if (options.shrink && violation !== undefined) {
    const fails = async (candidate: typeof scenario): Promise<boolean> => {
      const again = await playScenario(candidate, { stopAtFirst: !violation.id.startsWith("L") });
      return again.violations.some(({ id }) => id === violation.id);
    };
    const small = await shrinkScenario(scenario, { fails, runs: 200 });
    const entry = { broke: violation.id, note: violation.message, scenario: small };
    console.log(
      `Shrunk to ${small.commands.length} commands and ${small.faults.length} faults: ${writeCorpusFile(`seed-${seed}`, entry)}`,
    );
  }
  return outcome.problems.length === 0 ? 0 : 1;
}

async function replayCorpus(): Promise<number> {
  let failed = 0;
  for (const path of corpusFiles()) {
    const { scenario, broke, note } = readCorpusFile(path);
    const outcome = outcomeOf(await playScenario(scenario, {}));
    const problems = outcome.problems.filter((problem) => !problem.startsWith("vacuous"));
    if (problems.length > 0) failed += 1;
    console.log(
      `${problems.length === 0 ? "ok  " : "FAIL"} ${path} (once broke ${broke}: ${note}) ${problems.join("; ")}`,
    );
  }
  return failed === 0 ? 0 : 1;
}

async function runPlanted(options: SimOptions, wanted: readonly string[]): Promise<number> {
  const names = wanted.length === 0 ? bugNames() : wanted;
  let missed = 0;
  for (const name of names) {
    const { why, breaks } = readBug(name);
    let tried = 0;
    let found: string | undefined;
    await shareOut(options, name, (outcome) => {
      tried += 1;
      const problem = outcome.problems.find((each) => !each.startsWith("vacuous"));
      found ??=
        problem === undefined ? undefined : `${problem.slice(0, 100)} (seed ${outcome.seed})`;
      return found !== undefined;
    });
    if (found === undefined) missed += 1;
    const told =
      found === undefined
        ? `NOT FOUND in ${tried} seeds, expected ${breaks.join(", ")}`
        : `found after ${tried} seeds: ${found}`;
    console.log(`${found === undefined ? "MISS" : "ok  "} ${name}: ${told}\n       ${why}`);
  }
  console.log(`${names.length - missed} of ${names.length} planted bugs found`);
  return missed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 2;
}
process.exit();

// npm run sim: plays scenarios on the simulated fleet and judges them. Seeds are shared out to worker processes; a
// failing seed is told with the one command that replays it.
import { readCorpusFile, corpusFiles, writeCorpusFile } from "./report/corpus.ts";
import { readOptions } from "./report/options.ts";
import type { SimOptions } from "./report/options.ts";
import { outcomeOf, playScenario, scenarioOf } from "./report/play.ts";
import { describeScore, describeSearch, isMissed, runPlanted } from "./report/run-planted.ts";
import { shareOut } from "./report/share-out.ts";
import { shrinkScenario } from "./report/shrink.ts";
import { printRun, printSummary, summaryOf } from "./report/summary.ts";
import type { Outcome } from "./report/summary.ts";
import { timelineOf } from "./report/timeline.ts";
import { describePlayed, playMatrix } from "./matrix/play-matrix.ts";
import { everyRun } from "./matrix/play-operation.ts";
import type { Played } from "./matrix/play-operation.ts";
import { victimNames } from "./matrix/victims.table.ts";
import type { Violation } from "./judges/judge.ts";
import { stateOf } from "./judges/host-of.ts";
import { startMs } from "./run/world.ts";
import { largeFleet } from "./workload/large-fleet.ts";
import type { Scenario } from "./workload/scenario.ts";

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.planted !== undefined) return await findPlanted(options, options.planted);
  if (options.corpus !== undefined) return await replayCorpus(options.corpus);
  if (options.seed !== undefined) return await replaySeed(options, options.seed);
  if (options.matrix) return await crashEverywhere(options.jobs);
  if (options.fleet !== undefined) return await deployFleet(options.fleet);
  const outcomes: Outcome[] = [];
  const began = Date.now();
  await shareOut({ options: [options] }, (outcome) => {
    outcomes.push(outcome);
    if (outcome.problems.length > 0) printRun(outcome, options);
    return false;
  });
  const summary = summaryOf(outcomes, Date.now() - began);
  printSummary(summary, options);
  return summary.problems === 0 ? 0 : 1;
}

async function replaySeed(options: SimOptions, seed: number): Promise<number> {
  const scenario = scenarioOf(seed, options);
  const run = await playScenario(scenario, options);
  if (options.trace) for (const line of timelineOf(run.trace, run.violations)) console.log(line);
  const outcome = outcomeOf(run);
  printRun(outcome, options);
  const [violation] = run.violations;
  if (options.shrink && violation !== undefined) await shrink(scenario, violation);
  return outcome.problems.length === 0 ? 0 : 1;
}

async function crashEverywhere(jobs: number): Promise<number> {
  const began = Date.now();
  const played = await playMatrix(jobs, everyRun, (one) => console.log(describePlayed(one)));
  const sum = (count: (one: Played) => number): number =>
    played.reduce((all, one) => all + count(one), 0);
  const problems = sum((one) => one.problems.length);
  console.log(
    `${sum(({ rows }) => rows.length * victimNames.length)} cells in ${sum(({ runs }) => runs)} runs, ` +
      `${Math.round((Date.now() - began) / 1_000)} s: ${problems} problems`,
  );
  return problems === 0 ? 0 : 1;
}

async function deployFleet(hosts: number): Promise<number> {
  const deployed = new Map<string, number>();
  const run = await playScenario(largeFleet(1, hosts), {
    onEvent(event) {
      if (event.kind === "object" && stateOf(event.after) === "provisioned") {
        const { uid } = event.after.metadata;
        if (!deployed.has(uid)) deployed.set(uid, event.atMs - startMs);
      }
    },
  });
  const times = [...deployed.values()].toSorted((a, b) => a - b);
  const minutes = (ms = 0): string => (ms / 60_000).toFixed(1);
  const { events, wallMs, cpuMs, virtualMs } = run;
  for (const problem of outcomeOf(run).problems) console.log(`  ${problem}`);
  console.log(
    `${times.length} of ${hosts} hosts are provisioned, the last after ${minutes(times.at(-1))} virtual minutes; ` +
      `${events} events, ${minutes(virtualMs)} virtual minutes in ${(wallMs / 1_000).toFixed(0)} s, ` +
      `${(cpuMs / 1_000).toFixed(0)} CPU seconds, ${Math.round((events / cpuMs) * 1_000)} events a CPU second, ` +
      `${Math.round(process.resourceUsage().maxRSS / 1_024)} MiB`,
  );
  return times.length === hosts && run.violations.length === 0 ? 0 : 1;
}

async function shrink(scenario: Scenario, violation: Violation): Promise<void> {
  const { id, message, eventNumber, atMs } = violation;
  const fails = async (candidate: Scenario): Promise<boolean> => {
    const again = await playScenario(candidate, { stopAtFirst: !id.startsWith("L") });
    return again.violations.some((other) => other.id === id);
  };
  const brokenAtMs = eventNumber === 0 ? undefined : atMs - startMs;
  const small = await shrinkScenario(scenario, { fails, runs: 200, brokenAtMs });
  const path = writeCorpusFile(`seed-${scenario.seed}`, {
    broke: id,
    note: message,
    scenario: small,
  });
  const { machines, commands, faults } = small;
  console.log(
    `Shrunk to ${machines.length} machines, ${commands.length} commands and ${faults.length} faults: ${path}\n` +
      `  replay: npm run sim -- --corpus ${path}`,
  );
}

async function replayCorpus(files: readonly string[]): Promise<number> {
  let failed = 0;
  for (const path of files.length === 0 ? corpusFiles() : files) {
    const { scenario, broke, note } = readCorpusFile(path);
    const outcome = outcomeOf(await playScenario(scenario));
    const problems = outcome.problems.filter((problem) => !problem.startsWith("vacuous"));
    if (problems.length > 0) failed += 1;
    const verdict = problems.length === 0 ? "ok  " : "FAIL";
    console.log(`${verdict} ${path} (once broke ${broke}: ${note}) ${problems.join("; ")}`);
  }
  return failed === 0 ? 0 : 1;
}

async function findPlanted(options: SimOptions, names: readonly string[]): Promise<number> {
  const searches = await runPlanted(options, names, (search) =>
    console.log(describeSearch(search)),
  );
  console.log(describeScore(searches));
  return searches.some(isMissed) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 2;
}
process.exit();

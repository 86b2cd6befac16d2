// The corpus, and seeds that no earlier revision has played, on every run of the tests; a long run is npm run sim.
import { expect, test } from "vitest";
import { corpusFiles, readCorpusFile } from "./report/corpus.ts";
import { firstSeed } from "./report/first-seed.ts";
import { readOptions } from "./report/options.ts";
import { outcomeOf, playScenario, scenarioOf } from "./report/play.ts";
import { shareOut } from "./report/share-out.ts";
import { replayOf } from "./report/summary.ts";

/** What a seed passes through is not counted: a small fleet destroys little. */
function judged(problems: readonly string[]): readonly string[] {
  return problems.filter((problem) => !problem.startsWith("vacuous"));
}

test.each(corpusFiles())("%s breaks nothing any more", async (path) => {
  const { scenario } = readCorpusFile(path);
  expect(judged(outcomeOf(await playScenario(scenario)).problems)).toEqual([]);
});

test.each([
  ["400 small fleets in memory", "memory", "--seeds", "400", "--hosts", "2", "--minutes", "4"],
  ["10 small fleets on PGlite", "pglite", "--seeds", "10", "--hosts", "2", "--minutes", "4"],
  ["30 fleets of six", "memory", "--seeds", "30", "--hosts", "6", "--minutes", "12"],
])("%s break nothing", { timeout: 900_000 }, async (_name, tier, ...args) => {
  const options = readOptions([...args, "--tier", tier, "--from", String(firstSeed())]);
  const broken: string[] = [];
  await shareOut({ options }, (outcome) => {
    const problems = judged(outcome.problems);
    if (problems.length > 0) broken.push(`${problems.join("; ")}\n  ${replayOf(outcome, options)}`);
    return broken.length > 5;
  });
  expect(broken).toEqual([]);
});

test("a seed goes the same way twice", async () => {
  const scenario = scenarioOf(2, readOptions([]));
  const first = await playScenario(scenario);
  const second = await playScenario(scenario);
  expect(second.hash).toBe(first.hash);
});

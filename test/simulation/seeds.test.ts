// The corpus, and a few seeds, on every run of the tests; a long run is npm run sim.
import { expect, test } from "vitest";
import { corpusFiles, readCorpusFile } from "./report/corpus.ts";
import { outcomeOf, playScenario, scenarioOf } from "./report/play.ts";

const options = { hosts: 6, minutes: 12, profile: undefined, tier: "memory" } as const;
const seeds = [1, 2, 3, 4, 5, 6];

/** What a seed of the corpus passes through is not counted: it is there for what it broke. */
function judged(problems: readonly string[]): readonly string[] {
  return problems.filter((problem) => !problem.startsWith("vacuous"));
}

test.each(corpusFiles())("%s breaks nothing any more", async (path) => {
  const { scenario } = readCorpusFile(path);
  expect(judged(outcomeOf(await playScenario(scenario)).problems)).toEqual([]);
});

test.each(seeds)("npm run sim -- --seed %i --trace breaks nothing", async (seed) => {
  const outcome = outcomeOf(await playScenario(scenarioOf(seed, options)));
  expect(judged(outcome.problems)).toEqual([]);
});

test("a seed goes the same way twice", async () => {
  const scenario = scenarioOf(2, options);
  const first = await playScenario(scenario);
  const second = await playScenario(scenario);
  expect(second.hash).toBe(first.hash);
});

// The corpus, and some seeds, on every run of the tests; a long run is npm run sim.
import { expect, test } from "vitest";
import { corpusFiles, readCorpusFile } from "./report/corpus.ts";
import { readOptions } from "./report/options.ts";
import { outcomeOf, playScenario, scenarioOf } from "./report/play.ts";
import { shareOut } from "./report/share-out.ts";
import { replayOf } from "./report/summary.ts";

/** What a seed passes through is not counted: a small fleet destroys little. */
function judged(problems: readonly string[]): readonly string[] {
  return problems.filter((problem) => !problem.startsWith("vacuous"));
}

test.each(corpusFiles())("%s breaks nothing any more", { timeout: 900_000 }, async (path) => {
  const { scenario } = readCorpusFile(path);
  expect(judged(outcomeOf(await playScenario(scenario)).problems)).toEqual([]);
});

/** Of a thousand fresh seeds one or two may still break something: those here break nothing, and must not begin to. */
test.each([
  [
    "12 fleets of six, and 200 small ones,",
    ["--from 14 --seeds 12 --hosts 6 --minutes 12", "--from 1 --seeds 200 --hosts 2 --minutes 4"],
  ],
  ["3 small fleets on PGlite", ["--from 1 --seeds 3 --hosts 2 --minutes 4 --tier pglite"]],
])("%s break nothing", { timeout: 900_000 }, async (_name, runs) => {
  const broken: string[] = [];
  const all = runs.map((args) => readOptions(args.split(" ")));
  await shareOut({ options: all }, (outcome, options) => {
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

// What is told of a search for planted bugs. The search itself needs processes: npm run sim -- --planted.
import { expect, test } from "vitest";
import { describeScore, describeSearch, idsOf, isMissed } from "./run-planted.ts";
import type { Search } from "./run-planted.ts";

const search: Search = {
  name: "drop-a-fence",
  why: "A fence is gone.",
  expected: ["S1"],
  lacks: [],
  tried: 3,
  found: { seed: 3, problem: "S1 m1: write on m1-d1" },
};
const missed: Search = { ...search, name: "blind", tried: 20, found: undefined };

test("a found bug is told with its seed, a missed one with what was expected to find it", () => {
  expect(describeSearch(search)).toMatch(/^ok {3}drop-a-fence: after 3 seeds by S1: .*\(seed 3\)/);
  expect(describeSearch(missed)).toMatch(/^MISS blind: not found in 20 seeds, expected S1\n/);
  const byOther = { ...search, found: { seed: 3, problem: "stuck: nothing is due any more" } };
  expect(describeSearch(byOther)).toContain("by stuck (expected S1)");
});

test("a bug that needs what the world cannot do is no miss", () => {
  const skipped = { ...missed, tried: 0, lacks: ["rogue-client"] };
  expect(describeSearch(skipped)).toContain("skip blind: the world cannot do rogue-client yet");
  expect(isMissed(skipped)).toBe(false);
  expect(describeScore([search, skipped])).toMatch(/^1 of 1 planted .*; 1 not looked for$/);
});

test("the score says how many were found, how soon, and which were not", () => {
  expect(describeScore([search, { ...search, tried: 9 }, missed])).toBe(
    "2 of 3 planted bugs found, half of them within 9 seeds, all within 9; missed: blind",
  );
});

test("a vacuous run finds nothing", () => {
  const problems = ["S1 m1: x", "stuck: y", "vacuous: z", "not deterministic: a and b"];
  expect(idsOf({ problems })).toEqual(["S1", "stuck", "not"]);
});

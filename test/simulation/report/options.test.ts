// What can be typed after npm run sim, and what is said to what cannot.
import { expect, test } from "vitest";
import { readOptions } from "./options.ts";

test("without options twenty small scenarios are played by two processes", () => {
  expect(readOptions([])).toMatchObject({
    seeds: 20,
    from: 1,
    hosts: 6,
    minutes: 12,
    jobs: 2,
    seed: undefined,
    corpus: undefined,
    planted: undefined,
  });
});

test("names follow --planted, files --corpus", () => {
  expect(readOptions(["--planted", "one", "two"]).planted).toEqual(["one", "two"]);
  expect(readOptions(["--planted"]).planted).toEqual([]);
  expect(readOptions(["--corpus", "a.json"]).corpus).toEqual(["a.json"]);
});

test("--until is in seconds of the simulated clock", () => {
  expect(readOptions(["--seed", "8", "--until", "90", "--trace"])).toMatchObject({
    seed: 8,
    untilMs: 90_000,
    trace: true,
  });
});

test.each([
  [["--seeds", "many"], '--seeds: got "many"; want a whole number from 1'],
  [["--seeds", "0"], '--seeds: got "0"'],
  [["--hosts", "1.5"], '--hosts: got "1.5"'],
  [["--hosts", ""], '--hosts: got ""'],
  [["--profile", "sad"], '--profile: got "sad"; want happy, single or swarm'],
  [["--trace"], "go with --seed N"],
  [["--until", "5"], "go with --seed N"],
  [["--seed", "1", "--shrink", "--until", "5"], "leave --until out"],
  [["--seed", "1", "--planted"], "--planted and --seed exclude each other"],
  [["--planted", "--corpus"], "--planted and --corpus exclude each other"],
  [["--matrix", "--seed", "1"], "--matrix and --seed exclude each other"],
  [["fences"], 'What is "fences" for?'],
  [["--tier", "paper"], '--tier: got "paper"; want memory or pglite'],
])("%j is refused with the way out", (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
  expect(() => readOptions(args)).toThrow("npm run sim -- [--seeds N]");
});

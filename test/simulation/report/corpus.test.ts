// Files of scenarios that once failed: what is no such file is refused with the way out.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { scenarioVersion } from "../workload/scenario.ts";
import { corpusFiles, readCorpusFile } from "./corpus.ts";

const directory = mkdtempSync(join(tmpdir(), "farrier-corpus-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(text: string): string {
  const path = join(directory, "a.json");
  writeFileSync(path, text);
  return path;
}

test("every file of the corpus can be read and says what it once broke", () => {
  for (const path of corpusFiles()) expect(readCorpusFile(path).broke).toMatch(/^[SL]\d+$/);
});

test("a file of another version is refused, and says how to play it", () => {
  const scenario = { version: scenarioVersion + 1, seed: 1 };
  const path = file(JSON.stringify({ broke: "S1", note: "", scenario }));
  expect(() => readCorpusFile(path)).toThrow(
    `a scenario of version ${scenarioVersion + 1}, and this simulator plays version ${scenarioVersion}: play it with the revision`,
  );
});

test.each([
  ["what is not JSON", "{", "cannot be read as JSON"],
  ["a file without a scenario", "{}", "is not a corpus file"],
  [
    "a field too many",
    JSON.stringify({ broke: "S1", note: "", who: "", scenario: { version: 1, seed: 1 } }),
    "is not a corpus file",
  ],
])("%s is refused by name", (_, text, message) => {
  const path = file(text);
  expect(() => readCorpusFile(path)).toThrow(message);
  expect(() => readCorpusFile(path)).toThrow(path);
});

test("a file that is not there is refused by name", () => {
  expect(() => readCorpusFile("none-such.json")).toThrow("none-such.json cannot be read");
});

// Scenarios that once showed a bug, as files: replayed for ever.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { scenarioVersion } from "../workload/scenario.ts";
import type { Scenario } from "../workload/scenario.ts";

export interface CorpusEntry {
  /** What it once broke, as "L20". */
  readonly broke: string;
  /** For people: the bug that it found. */
  readonly note: string;
  readonly scenario: Scenario;
}

const corpusFile = z.strictObject({
  broke: z.string(),
  note: z.string(),
  scenario: z.looseObject({ version: z.number(), seed: z.number() }),
});

export const corpusFolder = join(import.meta.dirname, "../corpus");

export function corpusFiles(): readonly string[] {
  return readdirSync(corpusFolder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => join(corpusFolder, name))
    .toSorted();
}

/** Throws with the way out when the file is not one, or of another version. */
export function readCorpusFile(path: string): CorpusEntry {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(path, "utf8"));
  } catch (thrown) {
    throw new Error(
      `${path} cannot be read as JSON (${String(thrown)}); give a file of test/simulation/corpus`,
      {
        cause: thrown,
      },
    );
  }
  const parsed = corpusFile.safeParse(raw);
  if (!parsed.success)
    throw new Error(`${path} is not a corpus file: ${z.prettifyError(parsed.error)}`);
  const { version } = parsed.data.scenario;
  if (version !== scenarioVersion) {
    throw new Error(
      `${path} holds a scenario of version ${version}, and this simulator plays version ${scenarioVersion}: ` +
        "play it with the revision that wrote it, find the seed anew and write the file again",
    );
  }
  return parsed.data as unknown as CorpusEntry;
}

export function writeCorpusFile(name: string, entry: CorpusEntry): string {
  const path = join(corpusFolder, `${name}.json`);
  writeFileSync(path, `${JSON.stringify(entry, undefined, 1)}\n`);
  return path;
}

// Planted bugs: small edits of the product's source that are made while its modules are loaded, never on disk. They
// prove that the judges see what they are for. The format of a file in bugs/ is in README.md.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { faultClasses } from "../workload/scenario.ts";
import type { Scenario } from "../workload/scenario.ts";

const bugFile = z.strictObject({
  /** One sentence: what is wrong then. */
  why: z.string(),
  /** Invariants that are expected to find it. */
  breaks: z.array(z.string().regex(/^[SL]\d+$/)).min(1),
  /** Faults without which nothing can find it: while the world cannot do them it is not looked for. */
  needs: z.array(z.enum(faultClasses)).default([]),
  edits: z
    .array(
      z.strictObject({
        /** In the repository. */
        file: z.string(),
        /** Exact text that occurs once. */
        find: z.string().min(1),
        replace: z.string(),
      }),
    )
    .min(1),
});

export interface PlantedBug extends z.infer<typeof bugFile> {
  readonly name: string;
}

const folder = join(import.meta.dirname, "bugs");
const root = join(import.meta.dirname, "../../..");

export function bugNames(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => name.replace(/\.yaml$/, ""))
    .toSorted();
}

/** Throws with the way out when there is no such bug, or its file is not one. */
export function readBug(name: string): PlantedBug {
  if (!bugNames().includes(name)) {
    throw new Error(`There is no planted bug "${name}". Known: ${bugNames().join(", ")}`);
  }
  const parsed = bugFile.safeParse(parse(readFileSync(join(folder, `${name}.yaml`), "utf8")));
  if (!parsed.success) {
    throw new Error(
      `planted/bugs/${name}.yaml is not a planted bug: ${z.prettifyError(parsed.error)}`,
    );
  }
  return { name, ...parsed.data };
}

/**
 * Where it can be seen: one in the real statements only where these run, unless it has a twin in the store in memory.
 */
export function tierOf({ edits }: Pick<PlantedBug, "edits">): Scenario["tier"] {
  const isIn = (folder: string): boolean => edits.some(({ file }) => file.startsWith(folder));
  return isIn("control-plane/store/") && !isIn("test/simulation/store/") ? "pglite" : "memory";
}

/** The file's text with the bug in it; throws when an edit does not fit exactly once. */
export function plant(bug: PlantedBug, file: string, source: string): string {
  let text = source;
  for (const { find, replace } of bug.edits.filter((edit) => edit.file === file)) {
    const parts = text.split(find);
    if (parts.length !== 2) {
      throw new Error(
        `planted/bugs/${bug.name}.yaml: the text to find occurs ${parts.length - 1} times in ${file}; ` +
          "it must occur exactly once: take it anew from the file as it is now",
      );
    }
    text = parts.join(replace);
  }
  return text;
}

export function readSource(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** Path in the repository of a module's URL; undefined: not one of ours. */
export function fileOf(url: string): string | undefined {
  const path = url.startsWith("file://") ? new URL(url).pathname : "";
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;
}

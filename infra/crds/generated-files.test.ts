// The checked-in generated files are what the generator would write now.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generatedFiles } from "./generated-files.ts";

test.each([...generatedFiles()])("npm run generate leaves %s as it is checked in", (path, text) => {
  const checkedIn = readFileSync(join(import.meta.dirname, "..", path), "utf8");
  expect(checkedIn, "stale: run npm run generate").toBe(text);
});

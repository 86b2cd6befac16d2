import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { embeddedFile, embeddedMigrations } from "./embed-migrations.ts";

test("the embedded migrations are those of migrations/ when a file there was changed", () => {
  expect(readFileSync(embeddedFile, "utf8")).toBe(embeddedMigrations());
});

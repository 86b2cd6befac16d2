// The crash matrix: each process killed at each moment of each step of each operation. Here a share of it, another one
// for each revision; npm run sim -- --matrix plays the whole.
import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { operationKind } from "../../shared/protocol/operation.ts";
import { firstSeed } from "./report/first-seed.ts";
import { playMatrix } from "./matrix/play-matrix.ts";
import { places } from "./matrix/play-operation.ts";
import { stories } from "./matrix/stories.table.ts";

test("every operation of the product is in a story", () => {
  const works = stories.flatMap(({ operations }) => operations.map(({ work }) => work));
  const kinds = operationKind.options.filter((kind) => kind !== "power");
  const powers = ["power on", "power off", "power reboot"];
  expect(new Set(works)).toEqual(new Set([...kinds, ...powers]));
});

const share = { of: 24, at: firstSeed() % 24 };

test("each cell ends with one write, or with an honest error and another operation", async () => {
  const played = await playMatrix(availableParallelism(), share);
  expect(played.flatMap(({ problems }) => problems)).toEqual([]);
  expect(played).toHaveLength(places(share).length);
  for (const { operation, rows } of played) expect(rows.length, operation).toBeGreaterThan(20);
}, 900_000);

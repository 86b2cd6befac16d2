// Every invariant and every promise has its judge, or says why it has none.
import { expect, test } from "vitest";
import { judgeKinds } from "./judges.table.ts";
import { notReachable } from "./not-reachable.table.ts";

const wanted = [
  ...Array.from({ length: 45 }, (_, at) => `S${at + 1}`),
  ...Array.from({ length: 20 }, (_, at) => `L${at + 1}`),
];

test("each of S1 to S45 and L1 to L20 is judged, or listed as not reachable, once", () => {
  const ids = [...judgeKinds, ...notReachable].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
  expect(ids.filter((id) => !wanted.includes(id))).toEqual([]);
});

test("what is not reachable says what is missing", () => {
  for (const { says, missing } of notReachable) {
    expect(says.length).toBeGreaterThan(20);
    expect(missing.length).toBeGreaterThan(20);
  }
});

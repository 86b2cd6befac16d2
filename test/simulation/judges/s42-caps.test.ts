import { expect, test } from "vitest";
import type { JournalRow } from "../world/truth.ts";
import { log } from "./made-events.ts";
import { s42 } from "./s42-caps.ts";
import { tryJudge } from "./try-judge.ts";

const many = (count: number) => Array.from({ length: count }, () => ({ host_uid: "u" }));
const journal = (count: number) => () => [
  {
    agent: "site-1",
    rows: Array.from({ length: count }, (_, at): JournalRow => ({
      operationId: `u.${at}`,
      state: "finished",
    })),
  },
];

test("sizes below their caps keep the invariant", () => {
  const truth = { rows: () => many(200), journal: journal(25), waiting: () => 5_000 };
  expect(tryJudge(s42, [log(5)], { truth })).toEqual([]);
});

test("an outbox, a journal and observations that grow break it", () => {
  const rows = (table: string) => (table === "outbox" ? many(201) : []);
  expect(tryJudge(s42, [log(5)], { truth: { rows } })).toEqual(["201 rows, of 200 at most"]);
  const operations = (table: string) => (table === "operations" ? many(1_001) : []);
  expect(tryJudge(s42, [log(5)], { truth: { rows: operations } })).toHaveLength(1);
  expect(tryJudge(s42, [log(5)], { truth: { journal: journal(26) } })).toHaveLength(1);
  expect(tryJudge(s42, [log(5)], { truth: { waiting: () => 5_001 } })).toHaveLength(1);
});

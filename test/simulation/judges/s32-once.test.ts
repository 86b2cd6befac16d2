import { expect, test } from "vitest";
import { fault } from "./made-events.ts";
import { s32 } from "./s32-once.ts";
import { tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

type Row = Readonly<Record<string, unknown>>;
const commit = (table: string, before: Row | undefined, after: Row | undefined): Made => {
  return { at: 1, kind: "commit", statement: "s", place: 0, table, key: "k", before, after };
};
const says = (table: string, before: Row, after: Row) =>
  tryJudge(s32, [commit(table, before, after)]).length;

test.each([
  ["operations", { state: "running" }, { state: "accepted" }],
  ["operations", { state: "succeeded" }, { state: "failed" }],
  ["operations", { state: "failed", consumed: true }, { state: "failed", consumed: false }],
  ["sessions", { boot_id: "b", committed_seq: 7 }, { boot_id: "b", committed_seq: 6 }],
  ["sessions", { epoch: 7 }, { epoch: 6 }],
  ["hosts", { resource_version: 7n }, { resource_version: 6n }],
  ["agents", { counter: 2 }, { counter: 1 }],
  [
    "operations",
    { state: "running", class: "once", agent_id: "a" },
    { state: "pending", class: "once", agent_id: null },
  ],
])("a row of %s that goes back breaks the invariant", (table, before, after) => {
  expect(says(table, before, after)).toBe(1);
});

test.each([
  ["operations", { state: "pending" }, { state: "failed", consumed: false }],
  ["operations", { state: "failed", consumed: false }, { state: "failed", consumed: true }],
  ["sessions", { boot_id: "b", committed_seq: 7 }, { boot_id: "c", committed_seq: 0 }],
  ["hosts", { resource_version: 6n }, { resource_version: 7n }],
  ["outbox", { tries: 2 }, { tries: 0 }],
  [
    "operations",
    { state: "running", class: "converge", agent_id: "a" },
    { state: "pending", class: "converge", agent_id: null },
  ],
])("a row of %s that goes on keeps it", (table, before, after) => {
  expect(says(table, before, after)).toBe(0);
  expect(tryJudge(s32, [commit(table, undefined, after), commit(table, after, undefined)])).toEqual(
    [],
  );
});

test("an operator who approves an agent anew may set its count back", () => {
  const [before, after] = [{ counter: 2 }, { counter: 0 }];
  const about = { table: "agents", key: "k", before, after, statement: "setAgentState", place: 0 };
  expect(tryJudge(s32, [{ at: 1, kind: "commit", ...about }])).toEqual([]);
});

test("work that is run again after its end breaks it, and work that is announced again does not", () => {
  const about = {
    machine: "m1",
    agent: "site-1",
    boot: 1,
    direction: "to ramdisk",
    type: "run",
  } as const;
  const run: Made = { at: 1, kind: "ramdisk-message", ...about, operationId: "u.1" };
  const ended: Made = {
    at: 2,
    kind: "reported",
    agent: "site-1",
    seq: 3,
    what: "operation-failed",
    hostUid: "u",
    operationId: "u.1",
    failure: "fenced",
  };
  expect(tryJudge(s32, [run, run, ended])).toEqual([]);
  expect(tryJudge(s32, [run, ended, run])).toEqual(["u.1 had ended, and runs again"]);
  const byCopy = { ...ended, agent: "site-1#2" } as Made;
  expect(tryJudge(s32, [run, byCopy, run])).toEqual([]);
  const restored = fault(3, "database-restored", "database");
  expect(tryJudge(s32, [run, ended, restored, run])).toEqual([]);
});

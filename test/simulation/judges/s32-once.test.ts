import { describe, expect, test } from "vitest";
import { fault, faultEnded } from "./made-events.ts";
import { s32 } from "./s32-once.ts";
import { madeMachineSet, madeOpenShiftMachine, stored, tryJudge } from "./try-judge.ts";
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

describe("a MachineSet of OpenShift", () => {
  const wants = (at: number, replicas: number) => stored(at, madeMachineSet(replicas));
  const made = (at: number, name: string) =>
    stored(at, madeOpenShiftMachine(name), { verb: "create", by: "farrier", before: undefined });
  const deleted = (at: number, name: string, by: "farrier" | "kubectl" = "farrier") =>
    stored(at, madeOpenShiftMachine(name, { deleted: true }), { verb: "delete", by });
  const judged = (...events: readonly Made[]) => tryJudge(s32, events);

  test("gets no Machine more than it wants, or wanted a moment ago", () => {
    expect(judged(wants(0, 2), made(1, "x"), made(2, "y"))).toEqual([]);
    expect(judged(wants(0, 2), wants(3, 1), made(3.2, "x"), made(3.4, "y"))).toEqual([]);
    expect(
      judged(wants(0, 2), made(1, "x"), deleted(2, "x", "kubectl"), made(3, "y"), made(4, "z")),
    ).toEqual([]);
    expect(judged(wants(0, 1), made(1, "x"), made(2, "y"))).toEqual([
      "Farrier made y: its MachineSet has 2, and wants 1",
    ]);
    expect(judged(wants(0, 2), wants(3, 1), made(9, "x"), made(10, "y"))).toHaveLength(1);
    const gone = stored(1, madeMachineSet(1), { verb: "gone", by: "kubectl" });
    expect(judged(wants(0, 1), gone, made(9, "x"))).toHaveLength(1);
  });

  test("keeps as many as it wants, however late it is told of those that others take away", () => {
    const both = [wants(0, 2), made(1, "x"), made(2, "y")];
    expect(judged(...both, wants(9, 1), deleted(20, "x"))).toEqual([]);
    expect(judged(...both, deleted(20, "x"))).toEqual([
      "Farrier deleted x: its MachineSet has 1, and wants 2",
    ]);
    expect(judged(...both, wants(9, 1), deleted(20, "y", "kubectl"), deleted(30, "x"))).toEqual([]);
    expect(judged(...both, wants(9, 1), deleted(20, "y"), deleted(30, "x"))).toHaveLength(1);
  });

  test("may be kept by an agent that was stopped just after it had looked", () => {
    const stopped = fault(0.5, "agent-paused");
    expect(judged(wants(0, 1), stopped, made(1, "x"), made(2, "y"))).toEqual([]);
    const over = faultEnded(3, "agent-paused");
    expect(judged(wants(0, 1), stopped, over, made(9, "x"), made(10, "y"))).toHaveLength(1);
  });
});

import { expect, test } from "vitest";
import { fault } from "./made-events.ts";
import { changed, toRamdisk } from "./made-messages.ts";
import { s34 } from "./s34-journal-first.ts";
import { madeMachine, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const machines = new Map([["m1", madeMachine()]]);
const begun = [toRamdisk(1, "go", "u.1"), changed(2)];

function inJournal(state: string) {
  const journal = () => [{ agent: "site-1", rows: [{ operationId: "u.1", state }] }];
  return { truth: { machines, journal } };
}

function failed(operationId: string, destroyed: boolean, agent = "site-1"): Made {
  const about = { at: 3, kind: "reported", agent, seq: 1, hostUid: "u" } as const;
  return { ...about, what: "operation-failed", operationId, failure: "expired", destroyed };
}

test("what destroys, and is not in the journal as such, breaks it", () => {
  expect(tryJudge(s34, begun, inJournal("destroying"))).toEqual([]);
  expect(tryJudge(s34, begun, inJournal("started"))).toHaveLength(1);
});

test("a failure that denies what was destroyed breaks it", () => {
  const given = inJournal("destroying");
  expect(tryJudge(s34, [...begun, failed("u.1", true)], given)).toEqual([]);
  expect(tryJudge(s34, [...begun, failed("u.2", false)], given)).toEqual([]);
  expect(tryJudge(s34, [toRamdisk(1, "go", "u.1"), failed("u.1", false)], given)).toEqual([]);
  expect(tryJudge(s34, [...begun, failed("u.1", false, "site-1#2")], given)).toEqual([]);
  expect(tryJudge(s34, [...begun, failed("u.1", false)], given)).toEqual([
    "u.1 has destroyed, and its failure (expired) denies it",
  ]);
});

test("work whose end is in the journal, and that counts as interrupted, breaks it", () => {
  const taken = (failure: string): Made => {
    const row = { statement: "openSession", place: 0, table: "operations", key: "u.1" } as const;
    const before = { state: "running" };
    return {
      at: 4,
      kind: "commit",
      ...row,
      before,
      after: { state: "failed", failure: { kind: failure } },
    };
  };
  const lost = "u.1 had ended, and counts as interrupted";
  expect(tryJudge(s34, [taken("interrupted")], inJournal("finished"))).toEqual([lost]);
  expect(tryJudge(s34, [taken("interrupted")], inJournal("destroying"))).toEqual([]);
  expect(tryJudge(s34, [taken("expired")], inJournal("finished"))).toEqual([]);
  const restored = fault(1, "database-restored", "database");
  expect(tryJudge(s34, [restored, taken("interrupted")], inJournal("finished"))).toEqual([]);
});

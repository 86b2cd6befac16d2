import { expect, test } from "vitest";
import { fault, log } from "./made-events.ts";
import { delivered, sent, toRamdisk } from "./made-messages.ts";
import { s9 } from "./s9-newest-first.ts";
import { madeMachine, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const machines = new Map([["m1", madeMachine()]]);
const truth = { machines };
const operation = { operationId: "u.3", id: "o" };

test("a go for a revision that is older than the stored document is a violation", () => {
  const events = [
    delivered(1, "operation", 4, operation),
    delivered(2, "document", 5, { id: "d" }),
    sent(3, "ack", { stored: ["o", "d"] }),
    toRamdisk(20, "go", "u.3"),
  ];
  expect(tryJudge(s9, events, { truth })).toEqual(["go for u.3 of revision 4, and 5 was stored"]);
});

test("an older document that comes again makes an older order no newer", () => {
  const events = [
    delivered(1, "document", 5, { id: "d" }),
    sent(2, "ack", { stored: ["d"] }),
    delivered(3, "document", 4, { id: "e" }),
    sent(4, "ack", { stored: ["e"] }),
    delivered(5, "operation", 4, operation),
    toRamdisk(20, "go", "u.3"),
  ];
  expect(tryJudge(s9, events, { truth })).toHaveLength(1);
});

test("the newest revision, one not yet stored, one just stored, and those before an enrolment are none", () => {
  const order = delivered(1, "operation", 4, operation);
  const newer = delivered(2, "document", 5, { id: "d" });
  const ack = sent(3, "ack", { stored: ["d"] });
  const go = (at: number) => toRamdisk(at, "go", "u.3");
  expect(tryJudge(s9, [order, newer, go(20)], { truth })).toEqual([]);
  expect(tryJudge(s9, [order, newer, ack, go(8)], { truth })).toEqual([]);
  const enrolled = { at: 4, kind: "enrolled", agent: "site-1" } as const;
  expect(tryJudge(s9, [order, newer, ack, enrolled, go(20)], { truth })).toEqual([]);
  const current = delivered(4, "operation", 5, operation);
  expect(tryJudge(s9, [newer, ack, current, go(20)], { truth })).toEqual([]);
});

test("a step of an operation before one that has begun is a violation, of the last one not", () => {
  const judged = (state: string, ...events: readonly Made[]) => {
    const rows = ["u.3", "u.4", "other.9"].map((operationId) => ({ operationId, state }));
    const journal = () => [{ agent: "site-1", rows }];
    return tryJudge(s9, events, { truth: { machines, journal } });
  };
  expect(judged("started", toRamdisk(1, "run", "u.3"))).toEqual([
    "run for u.3, and u.4 is journaled",
  ]);
  expect(judged("accepted", toRamdisk(1, "run", "u.3"))).toEqual([]);
  expect(judged("accepted", toRamdisk(1, "go", "u.3"))).toHaveLength(1);
  expect(judged("started", toRamdisk(1, "run", "u.4"), toRamdisk(2, "go", "u.4"))).toEqual([]);
  const by = (agent: string) => toRamdisk(1, "run", "u.3", { agent });
  expect([judged("started", by("site-1")), judged("started", by("site-1#2"))]).toMatchObject([
    { length: 1 },
    { length: 0 },
  ]);
});

test("an older document that replaces a newer one is a violation, unless the control plane counts anew", () => {
  const stored = [
    delivered(1, "document", 5, { id: "d" }),
    sent(2, "ack", { stored: ["d"] }),
    log(4),
  ];
  const judged = (revision: number | undefined, ...events: readonly Made[]) => {
    const revisions = () => new Map(revision === undefined ? [] : [["u", revision]]);
    return tryJudge(s9, [...events, ...stored], { truth: { machines, revisions } });
  };
  expect(judged(4)).toEqual(["4 was stored over 5"]);
  expect(judged(5)).toEqual([]);
  expect(judged(undefined)).toEqual([]);
  expect(judged(4, fault(0, "database-restored", "database"))).toEqual([]);
});

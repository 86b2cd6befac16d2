import { expect, test } from "vitest";
import { handed, sent, toRamdisk } from "./made-messages.ts";
import { s30 } from "./s30-lease.ts";
import { madeMachine, tryJudge } from "./try-judge.ts";

const truth = { machines: new Map([["m1", madeMachine()]]) };
const go = (at: number) => toRamdisk(at, "go", "u.1");
const renewed = [sent(10, "lease", { sequence: 4 }), handed(14, "lease", { sequence: 4 })];

test("a go long after the last answered renewal was sent is a violation, soon after it not", () => {
  expect(tryJudge(s30, [...renewed, go(30)], { truth })).toEqual([]);
  const late = [...renewed, sent(30, "lease", { sequence: 5 }), go(36)];
  expect(tryJudge(s30, late, { truth })).toEqual(["go for u.1, 26000 ms into the lease"]);
});

test("a go at a site that was never welcomed, or after a restart of its agent, is a violation", () => {
  expect(tryJudge(s30, [go(1)], { truth })).toHaveLength(1);
  const agent = { process: "site-1", incarnation: 1, crash: true } as const;
  const ended = [...renewed, { at: 15, kind: "ended", ...agent } as const];
  expect(tryJudge(s30, [...ended, go(21)], { truth })).toHaveLength(1);
  const started = { at: 16, kind: "started", process: "site-1", incarnation: 2 } as const;
  expect(tryJudge(s30, [...ended, started, go(16)], { truth })).toHaveLength(1);
});

test("a go that was on its way when its agent ended is none", () => {
  const ended = { at: 15, kind: "ended", process: "site-1", incarnation: 1, crash: true } as const;
  expect(tryJudge(s30, [...renewed, ended, go(16)], { truth })).toEqual([]);
});

test("a welcome gives the lease from when the hello was sent, to this site and no other", () => {
  const welcomed = [sent(1, "hello"), handed(3, "welcome")];
  expect(tryJudge(s30, [...welcomed, go(20)], { truth })).toEqual([]);
  const elsewhere = welcomed.map((event) => ({ ...event, agent: "site-2" }));
  expect(tryJudge(s30, [...elsewhere, go(20)], { truth })).toHaveLength(1);
});

test("an answer of another connection renews nothing", () => {
  const events = [
    sent(10, "lease", { sequence: 4 }),
    handed(11, "lease", { sequence: 4, connection: 2 }),
  ];
  expect(tryJudge(s30, [...events, go(12)], { truth })).toHaveLength(1);
});

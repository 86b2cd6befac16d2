// S35 with a budget of one host, and a machine that is protected.
import { expect, test } from "vitest";
import { s35 } from "./s35-site-guard.ts";
import { ended, started } from "./made-events.ts";
import { madeMachine, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const machines = new Map(["m1", "m2", "m3"].map((name) => [name, madeMachine({ name })]));
const guards = new Map([["site-1", { hostsPer10Minutes: 1, protects: ["m3"] }]]);
const truth = { machines, guards };
const off = (at: number, machine: string, by: "us" | "others" = "us"): Made => ({
  at,
  kind: "power-command",
  machine,
  action: "off",
  agent: by === "us" ? "site-1" : undefined,
  done: true,
});
const write = (at: number, machine: string): Made => ({
  at,
  kind: "disk",
  machine,
  boot: 1,
  disk: "d",
  change: "write",
  offset: 0,
  length: 512,
});

test("a second host within ten minutes breaks a budget of one", () => {
  expect(tryJudge(s35, [off(1, "m1"), write(100, "m2")], { truth })).toHaveLength(1);
  expect(tryJudge(s35, [off(1, "m1"), write(100, "m1")], { truth })).toEqual([]);
  const jump: Made = { at: 50, kind: "fault", fault: "agent-clock-jump", target: "site-1" };
  expect(tryJudge(s35, [off(1, "m1"), jump, write(100, "m2")], { truth })).toHaveLength(1);
  const whileAway = (end: Made) => {
    const events = [off(1, "m1"), end, jump, started(60, "site-1"), write(100, "m2")];
    return tryJudge(s35, events, { truth });
  };
  expect(whileAway(ended(40, "site-1"))).toHaveLength(1);
  expect(whileAway(ended(40, "site-1", true, true))).toEqual([]);
  expect(tryJudge(s35, [off(1, "m1"), write(700, "m2")], { truth })).toEqual([]);
});

test("a protected machine is not touched by us, whatever others do", () => {
  expect(tryJudge(s35, [write(1, "m3")], { truth })).toHaveLength(1);
  expect(tryJudge(s35, [off(1, "m3")], { truth })).toHaveLength(1);
  expect(tryJudge(s35, [off(1, "m3", "others")], { truth })).toEqual([]);
  const swap = { at: 0, kind: "fault", fault: "swapped-machine", target: "m2+m3" } as const;
  expect(tryJudge(s35, [swap, off(1, "m3")], { truth })).toEqual([]);
  expect(tryJudge(s35, [swap, write(1, "m3")], { truth })).toHaveLength(1);
});

import { expect, test } from "vitest";
import { delivered, fromRamdisk, toRamdisk } from "./made-messages.ts";
import { s20 } from "./s20-one-hand-on-the-switch.ts";
import { madeMachine, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";
import type { PowerAction } from "../world/events.ts";

const truth = { machines: new Map([["m1", madeMachine()]]) };
const run = toRamdisk(1, "run", "u.1", { step: "erase" });

function cut(at: number, action: PowerAction = "off", agent: string | undefined = "site-1"): Made {
  return { at, kind: "power-command", machine: "m1", action, agent, done: true };
}

test.each(["off", "cycle", "reset", "soft"] as const)(
  "%s while a step runs is a violation",
  (how) => {
    expect(tryJudge(s20, [run, toRamdisk(2, "go", "u.1"), cut(5, how)], { truth })).toEqual([
      `${how} by site-1 in the middle of u.1`,
    ]);
  },
);

test("a step that goes on being heard of goes on", () => {
  const progress = fromRamdisk(100, "progress", "u.1");
  expect(tryJudge(s20, [run, progress, cut(110)], { truth })).toHaveLength(1);
  expect(tryJudge(s20, [run, progress, cut(120)], { truth })).toEqual([]);
});

test.each<[string, Made]>([
  ["the step has ended", fromRamdisk(2, "done", "u.1", { step: "erase" })],
  ["it was given up", toRamdisk(2, "cancel", "u.1")],
  ["it was refused", toRamdisk(2, "refuse", "u.1")],
  ["the ramdisk was told to leave", toRamdisk(2, "run", "u.1", { step: "leave" })],
  ["something else runs", { at: 2, kind: "running", machine: "m1", boot: 2, running: "firmware" }],
  ["the agent has gone", { at: 2, kind: "ended", process: "site-1", incarnation: 1, crash: true }],
  ["cables were exchanged", { at: 2, kind: "fault", fault: "swapped-machine", target: "m1+m2" }],
])("cutting the power is none when %s", (_, event) => {
  expect(tryJudge(s20, [run, event, cut(3)], { truth })).toEqual([]);
});

test("a power button, switching on, and another site's crash change nothing", () => {
  const button = { ...cut(2), agent: undefined } as Made;
  expect(tryJudge(s20, [run, button, cut(3, "on")], { truth })).toEqual([]);
  const elsewhere = {
    at: 2,
    kind: "ended",
    process: "site-2",
    incarnation: 1,
    crash: true,
  } as const;
  expect(tryJudge(s20, [run, elsewhere, cut(3)], { truth })).toHaveLength(1);
});

test("two orders of a host that are at work at once are a violation", () => {
  const judged = (...states: readonly (readonly [operationId: string, state: string])[]) => {
    const rows = states.map(([operationId, state]) => ({ operationId, state }));
    const journal = () => [{ agent: "site-1", rows }];
    return tryJudge(s20, [delivered(1, "operation", 1)], { truth: { journal } });
  };
  expect(judged(["u.1", "started"], ["u.2", "started"])).toEqual([
    "u.1 and u.2 are at work at once",
  ]);
  expect(judged(["u.1", "destroying"], ["u.2", "started"])).toHaveLength(1);
  expect(judged(["u.1", "started"], ["u.2", "accepted"], ["u.0", "finished"])).toEqual([]);
  expect(judged(["u.1", "started"], ["v.2", "started"])).toEqual([]);
});

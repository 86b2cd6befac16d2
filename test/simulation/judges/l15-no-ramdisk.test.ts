import { expect, test } from "vitest";
import { l15 } from "./l15-no-ramdisk.ts";
import { log } from "./made-events.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Given, Made } from "./try-judge.ts";

const given: Given = { truth: { machines: new Map([["m1", madeMachine()]]) }, until: 5_000 };
const device = (at: number, place: "network" | "disk"): Made => {
  return { at, kind: "boot-device", machine: "m1", place, once: true, agent: "site-1" };
};
const on = (at: number): Made => {
  return { at, kind: "power-command", machine: "m1", action: "on", agent: "site-1", done: true };
};
const hello: Made = {
  at: 100,
  kind: "ramdisk-message",
  machine: "m1",
  boot: 1,
  direction: "to agent",
  type: "hello",
  operationId: undefined,
};
const begun = [stored(0, madeHost()), device(9, "network"), on(10)];

test("a ramdisk that calls, another try in time and an error in time keep the promise", () => {
  expect(tryJudge(l15, [...begun, hello], given)).toEqual([]);
  expect(tryJudge(l15, [...begun, device(1_200, "disk"), on(1_210)], given)).toEqual([]);
  const error = stored(900, madeHost({ status: { errorMessage: "the ramdisk did not call" } }));
  expect(tryJudge(l15, [...begun, error, log(902)], given)).toEqual([]);
});

test("a machine that is waited for without end breaks it", () => {
  const late = "waits for a ramdisk for 1201000 ms";
  expect(tryJudge(l15, begun, { ...given, until: 1_211 })).toEqual([late]);
  expect(tryJudge(l15, [...begun, on(1_211)], { ...given, until: 1_211 })).toEqual([late]);
});

test("a device that was set for once counts for the start that uses it up", () => {
  const boots: Made = { at: 10, kind: "running", machine: "m1", boot: 1, running: "firmware" };
  const late = { ...given, until: 3_000 };
  expect(tryJudge(l15, [...begun, boots], late)).toHaveLength(1);
  expect(tryJudge(l15, [...begun, boots, hello, on(1_300)], late)).toEqual([]);
  const again = [...begun, boots, hello, device(1_290, "network"), on(1_300)];
  expect(tryJudge(l15, again, late)).toHaveLength(1);
  const lasting = { ...device(9, "network"), once: false } as Made;
  const kept = [stored(0, madeHost()), lasting, on(10), boots, hello, on(1_300)];
  expect(tryJudge(l15, kept, late)).toHaveLength(1);
});

test("a start from the disk, and a machine of nobody, wait for no ramdisk", () => {
  expect(tryJudge(l15, [stored(0, madeHost()), device(9, "disk"), on(10)], given)).toEqual([]);
  expect(tryJudge(l15, [device(9, "network"), on(10)], given)).toEqual([]);
});

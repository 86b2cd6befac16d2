import { expect, test } from "vitest";
import { makeKernel } from "../kernel/kernel.ts";
import type { Happened } from "../world/events.ts";
import { generateScenario } from "../workload/generate-scenario.ts";
import type { Moment } from "../workload/scenario.ts";
import { Moments } from "./moments.ts";

const machine = "m1";
const running = { kind: "running", machine, boot: 1, running: "ramdisk" } as const;
const disk = { boot: 1, disk: "d", change: "zero", offset: 0, length: 1 } as const;
const power = { kind: "power", machine, why: "bmc" } as const;

/** When a fault struck, ms after it began to wait; each event comes a second after the one before. */
async function struckAt(
  moment: Moment,
  events: readonly Happened[],
  place = machine,
  endsMs?: number,
): Promise<number | undefined> {
  const kernel = makeKernel("1", 0);
  const scenario = generateScenario(1, {
    hosts: 2,
    minutes: 1,
    tier: "memory",
    faults: [],
    quirks: [],
    profile: "happy",
  });
  const moments = new Moments(kernel, scenario);
  let atMs: number | undefined;
  moments.wait({ moment, place, delayMs: 100 }, 60_000, () => (atMs = kernel.nowMs()));
  events.forEach((each, at) => kernel.timer((at + 1) * 1_000, () => moments.onHappened(each)));
  if (endsMs !== undefined) kernel.timer(endsMs, () => moments.end());
  await kernel.run(120_000, () => false);
  return atMs;
}

test("a fault strikes at the first moment of its kind, and not at another", async () => {
  const off = { ...power, on: false };
  expect(await struckAt("power-cut", [running, { ...off, on: true }, off, off])).toBe(3_100);
  expect(await struckAt("ramdisk-runs", [off, running])).toBe(2_100);
  expect(await struckAt("disk-changes", [running, { kind: "disk", machine, ...disk }])).toBe(2_100);
});

test("what happens elsewhere is none, and without one it strikes after all", async () => {
  expect(await struckAt("ramdisk-runs", [{ ...running, machine: "m2" }])).toBe(60_100);
  expect(await struckAt("ramdisk-runs", [running], "site-1")).toBe(1_100);
  expect(await struckAt("ramdisk-runs", [running], "database")).toBe(1_100);
  expect(await struckAt("ramdisk-runs", [])).toBe(60_100);
});

test("at the end nobody waits any longer, and what has struck strikes once", async () => {
  expect(await struckAt("ramdisk-runs", [], machine, 5_000)).toBe(5_000);
  expect(await struckAt("ramdisk-runs", [running], machine, 5_000)).toBe(1_100);
});

import { expect, test } from "vitest";
import type { FaultClass } from "../workload/scenario.ts";
import type { Truth } from "../world/truth.ts";
import { SpoiledWork } from "./spoiled-work.ts";
import { madeHost } from "./try-judge.ts";

const about = { agent: "site-1", hostUid: "u", operationId: "u.1", number: 1 };
const delivered = { ...about, kind: "delivered", id: "1", what: "operation", atMs: 10 } as const;
const ended = {
  ...about,
  kind: "reported",
  what: "operation-failed",
  seq: 1,
  failure: "boot-timeout",
  atMs: 30,
} as const;
const fault = (what: FaultClass) =>
  ({ kind: "fault", fault: what, target: "m1", atMs: 20, number: 2 }) as const;

test("work that was given in calm counts as if it were not there", () => {
  const spoiled = new SpoiledWork();
  spoiled.onDelivered(delivered, false);
  spoiled.onFault(fault("wan-delay"));
  expect(spoiled.sinceMs("u", 5)).toBe(5);
  spoiled.onReported(ended);
  expect(spoiled.sinceMs("u", 5)).toBe(5);
});

test.each([
  ["whose ramdisk dies", "ramdisk-dies"],
  ["whose boot a copy of the agent answers", "agent-cloned"],
] as const)("work %s in its middle is waited for", (_, what) => {
  const spoiled = new SpoiledWork();
  spoiled.onDelivered(delivered, false);
  spoiled.onFault(fault(what));
  expect(spoiled.sinceMs("u", 5)).toBeUndefined();
  spoiled.onReported(ended);
  expect(spoiled.sinceMs("u", 5)).toBe(30);
});

test("work whose machine somebody switches off is waited for, and that of another is not", () => {
  const truth = {
    hostsOf: () => [{ cluster: "c", object: madeHost() }],
  } as Partial<Truth> as Truth;
  const off = { kind: "power", machine: "m1", why: "button", atMs: 20, number: 2 } as const;
  const spoiled = new SpoiledWork();
  spoiled.onDelivered(delivered, false);
  spoiled.onDelivered({ ...delivered, hostUid: "v", operationId: "v.1" }, false);
  spoiled.onPower({ ...off, on: true }, truth);
  spoiled.onPower({ ...off, on: false, why: "bmc" }, truth);
  expect(spoiled.sinceMs("u", 5)).toBe(5);
  spoiled.onPower({ ...off, on: false }, truth);
  expect(spoiled.sinceMs("u", 5)).toBeUndefined();
  expect(spoiled.sinceMs("v", 5)).toBe(5);
  spoiled.onReported(ended);
  expect(spoiled.sinceMs("u", 5)).toBe(30);
});

test("work that had ended before is not spoiled", () => {
  const spoiled = new SpoiledWork();
  spoiled.onDelivered(delivered, false);
  spoiled.onReported(ended);
  spoiled.onFault(fault("ramdisk-dies"));
  expect(spoiled.sinceMs("u", 5)).toBe(5);
});

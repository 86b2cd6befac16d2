// Since when nothing is wrong: faults that overlap, that last until the world is healed, and processes that are down.
import { expect, test } from "vitest";
import type { FaultClass } from "../workload/scenario.ts";
import {
  anything,
  betweenPeopleAndAgents,
  Calm,
  either,
  ofAgent,
  ofHub,
  ofProgram,
} from "./calm.ts";

function make() {
  const calm = new Calm();
  const base = { number: 1 };
  const fault = (atMs: number, what: FaultClass, target: string) =>
    calm.on.fault({ kind: "fault", fault: what, target, atMs, ...base });
  const over = (atMs: number, what: FaultClass, target: string) =>
    calm.on["fault-ended"]({ kind: "fault-ended", fault: what, target, atMs, ...base });
  return { calm, fault, over };
}

test("a world in which nothing ever went wrong has been calm for ever", () => {
  expect(make().calm.sinceMs(anything)).toBe(-Infinity);
});

test("two faults of one kind at one place are over when both are", () => {
  const { calm, fault, over } = make();
  fault(1, "wan-delay", "site-1");
  fault(2, "wan-delay", "site-1");
  over(5, "wan-delay", "site-1");
  expect(calm.sinceMs(anything)).toBeUndefined();
  over(9, "wan-delay", "site-1");
  expect(calm.sinceMs(anything)).toBe(9);
  over(20, "wan-delay", "site-1");
  expect(calm.sinceMs(anything)).toBe(9);
});

test("a watch that stood still is given up half a minute after the fault, or after the world is healed", () => {
  const { calm, fault, over } = make();
  fault(1, "api-watch-stalled", "cluster-1");
  over(5, "api-watch-stalled", "cluster-1");
  expect(calm.sinceMs(anything)).toBe(30_005);
  fault(6, "api-watch-stalled", "cluster-1");
  calm.on.healed({ atMs: 40_000 });
  expect(calm.sinceMs(anything)).toBe(70_000);
});

test("an answer that was lost is waited for, also when the world is healed", () => {
  const { calm, fault } = make();
  fault(1, "feed-answer-lost", "cluster-1");
  calm.on.healed({ atMs: 40_000 });
  expect(calm.sinceMs(anything)).toBe(50_000);
});

test("a link that was cut may be dead for three quarters of a minute before its ends know", () => {
  const { calm, fault, over } = make();
  fault(1, "wan-cut-links", "site-1");
  over(2, "wan-cut-links", "site-1");
  expect(calm.sinceMs(anything)).toBe(45_002);
});

test("what is used up some time or other is over when the world is healed", () => {
  const { calm, fault, over } = make();
  fault(1, "disk-error", "m1");
  over(2, "disk-error", "m1");
  expect(calm.sinceMs(anything)).toBeUndefined();
  calm.on.healed({ atMs: 7 });
  expect(calm.sinceMs(anything)).toBe(7);
});

test("mains come back a minute after they went, at the latest", () => {
  const { calm, fault, over } = make();
  fault(1, "machine-power-loss", "m1");
  over(2, "machine-power-loss", "m1");
  expect(calm.sinceMs(anything)).toBe(60_002);
});

test("a process is down until it is started", () => {
  const { calm } = make();
  const process = { process: "site-1", incarnation: 1, number: 1 };
  calm.on.ended({ kind: "ended", crash: true, atMs: 3, ...process });
  expect(calm.sinceMs(ofProgram("site-1"))).toBeUndefined();
  expect(calm.sinceMs(ofProgram("site-2"))).toBe(-Infinity);
  calm.on.started({ kind: "started", atMs: 8, ...process });
  expect(calm.sinceMs(ofProgram("site-1"))).toBe(8);
});

test("whom a fault concerns depends on its kind and its target", () => {
  const concerns = (what: FaultClass, target: string) =>
    [ofHub, ofAgent("site-1"), ofProgram("site-1"), betweenPeopleAndAgents]
      .map((matters) => (matters({ what, target }) ? "x" : "-"))
      .join("");
  expect(concerns("database-slow", "database")).toBe("x--x");
  expect(concerns("wan-partition", "site-1")).toBe("-x-x");
  expect(concerns("wan-partition", "site-2")).toBe("---x");
  expect(concerns("agent-paused", "site-1")).toBe("-xxx");
  expect(concerns("api-throttled", "cluster-1")).toBe("---x");
  expect(concerns("bmc-hangs", "m1")).toBe("----");
  expect(either(ofHub, ofAgent("site-1"))({ what: "wan-delay", target: "site-1" })).toBe(true);
});

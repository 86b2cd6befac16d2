import { expect, test } from "vitest";
import { closed, ended, fault, opened, welcomed } from "./made-events.ts";
import { l4 } from "./l4-drain.ts";
import { tryJudge } from "./try-judge.ts";

const stop = [
  opened(0),
  welcomed(0),
  fault(10, "control-plane-stop", "control-plane:0"),
  closed(10),
];
const gone = (at: number) => ended(at, "control-plane:0", false);
const elsewhere = (at: number) => welcomed(at, 2, "control-plane:1");

test("an instance that drains in time, and an agent that moves in time, keep the promise", () => {
  expect(tryJudge(l4, [...stop, gone(14), elsewhere(20)], { until: 60 })).toEqual([]);
});

test("one that takes longer to drain breaks it", () => {
  const messages = tryJudge(l4, [...stop, elsewhere(12), gone(15)]);
  expect(messages).toEqual(["control-plane:0 took 5000 ms"]);
});

test("an agent that moves too late, or not at all, breaks it", () => {
  const late = "site-1 was at no instance 11000 ms after control-plane:0 was stopped";
  expect(tryJudge(l4, [...stop, gone(11), elsewhere(21)])).toEqual([late]);
  expect(tryJudge(l4, [...stop, gone(11)], { until: 21 })).toEqual([late]);
});

test("an agent whose link is down is excused", () => {
  const events = [...stop, gone(11), fault(12, "wan-partition")];
  expect(tryJudge(l4, events, { until: 60 })).toEqual([]);
});

import { expect, test } from "vitest";
import { closed, fault, faultEnded, frame, opened, welcomed } from "./made-events.ts";
import { l3 } from "./l3-half-open.ts";
import { tryJudge } from "./try-judge.ts";

const open = [opened(0), frame(0, "hub", "hello"), welcomed(0), frame(5, "hub", "lease")];

test("both ends that are closed 45 s after the last word keep the promise", () => {
  const events = [...open, frame(5, "agent", "lease"), closed(50), closed(50, 1, "hub")];
  expect(tryJudge(l3, events, { until: 300 })).toEqual([]);
});

test("an end that stays open in silence breaks it", () => {
  expect(tryJudge(l3, [...open, closed(46)])).toEqual([
    "the agent's end heard nothing for 46000 ms",
  ]);
  expect(tryJudge(l3, [...open, closed(40)], { until: 51 })).toEqual([
    "the hub's end heard nothing for 46000 ms",
  ]);
});

test("an agent that stands still is excused, and its hub is not", () => {
  const paused = [...open, fault(6, "agent-paused"), faultEnded(90, "agent-paused")];
  expect(tryJudge(l3, [...paused, closed(91)])).toEqual([
    "the hub's end heard nothing for 85000 ms",
  ]);
});

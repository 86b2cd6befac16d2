import { expect, test } from "vitest";
import { l9 } from "./l9-database-outage.ts";
import { ended, fault, faultEnded } from "./made-events.ts";
import { tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const down = [fault(10, "database-down", "database")];
const process = "control-plane:0";
const answers = (at: number, now: boolean): Made => ({
  at,
  kind: "database",
  process,
  answers: now,
});
const review = (at: number, tookMs: number | undefined): Made => {
  const about = { cluster: "c", path: "", dryRun: false, allowed: true, stored: true };
  return { at, kind: "review", ...about, tookMs };
};
const back = [...down, answers(11, false), faultEnded(50, "database-down", "database")];

test("admission that answers while the database is down, and a quick return, keep the promise", () => {
  const events = [...down, review(30, 1_900), ...back.slice(1), answers(55, true)];
  expect(tryJudge(l9, events, { until: 90 })).toEqual([]);
});

test("admission that does not answer, or late, breaks it", () => {
  expect(tryJudge(l9, [...down, review(30, undefined)])).toEqual(["admission: no answer"]);
  expect(tryJudge(l9, [...down, review(30, 2_100)])).toEqual(["admission: 2100 ms"]);
});

test("a webhook that cannot be reached, an instance that ended, and a database that works excuse it", () => {
  const unreachable = fault(5, "webhook-unreachable", "c");
  expect(tryJudge(l9, [unreachable, ...down, review(30, undefined)])).toEqual([]);
  expect(tryJudge(l9, [...down, ended(20, process), review(30, undefined)])).toEqual([]);
  expect(tryJudge(l9, [review(30, undefined)])).toEqual([]);
});

test("an instance that works again later than 5 s after the return breaks it", () => {
  const late = "control-plane:0 had no success 6000 ms after the database's return";
  expect(tryJudge(l9, [...back, answers(56, true)])).toEqual([late]);
  expect(tryJudge(l9, back, { until: 56 })).toEqual([late]);
});

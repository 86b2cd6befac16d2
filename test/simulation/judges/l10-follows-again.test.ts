import { expect, test } from "vitest";
import { l10 } from "./l10-follows-again.ts";
import { fault, faultEnded } from "./made-events.ts";
import { madeHost, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const watch = (at: number, open: boolean, resource = "baremetalhosts"): Made => {
  return { at, kind: "watch", cluster: "c", resource, open };
};
const restart = [
  watch(0, true),
  fault(10, "api-server-restart", "c"),
  watch(10, false),
  faultEnded(25, "api-server-restart", "c"),
];
const delivered = (at: number, what: "document" | "remove-document"): Made => {
  return { at, kind: "delivered", agent: "site-1", id: "1", what, hostUid: "u" };
};

test("hosts that are followed again in time keep the promise", () => {
  expect(tryJudge(l10, [...restart, watch(55, true)], { until: 300 })).toEqual([]);
});

test("hosts that nobody follows for longer break it", () => {
  const late = "nobody followed baremetalhosts of c for 31000 ms";
  expect(tryJudge(l10, [...restart, watch(56, true)])).toEqual([late]);
  expect(tryJudge(l10, restart, { until: 56 })).toEqual([late]);
  expect(tryJudge(l10, [watch(0, false, "secrets")], { until: 300 })).toEqual([]);
});

test("a deletion that the site hears of in time keeps it, and one that it never hears of breaks it", () => {
  const gone = [delivered(1, "document"), stored(5, madeHost(), { verb: "gone" })];
  expect(tryJudge(l10, [...gone, delivered(70, "remove-document")], { until: 300 })).toEqual([]);
  expect(tryJudge(l10, gone, { until: 71 })).toEqual([
    "a site still has u, which is gone for 66000 ms",
  ]);
  expect(tryJudge(l10, gone, { until: 71, truth: { holders: () => [] } })).toEqual([]);
});

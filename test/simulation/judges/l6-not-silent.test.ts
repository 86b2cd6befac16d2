import { expect, test } from "vitest";
import { l6 } from "./l6-not-silent.ts";
import { madeHost, stored, tryJudge } from "./try-judge.ts";

const inspecting = (status: object = {}) =>
  madeHost({ status: { provisioning: { state: "inspecting" }, ...status } });
const condition = { type: "farrier.dev/Operation", reason: "Inspecting", message: "waits for m1" };

test("a host that is silent for half an hour breaks the promise", () => {
  const messages = tryJudge(l6, [stored(10, inspecting())], { until: 1_811 });
  expect(messages).toEqual(["h is inspecting for 1801000 ms, and silent"]);
});

test("one that says why, one that came on in time, and one that may stay keep it", () => {
  const speaks = inspecting({ conditions: [condition] });
  const silent = inspecting({ conditions: [{ ...condition, message: "" }] });
  const failed = inspecting({ errorMessage: "no ramdisk" });
  const settled = madeHost({ status: { provisioning: { state: "available" } } });
  const until = 9_000;
  expect(tryJudge(l6, [stored(10, speaks)], { until })).toEqual([]);
  expect(tryJudge(l6, [stored(10, silent)], { until })).toHaveLength(1);
  expect(tryJudge(l6, [stored(10, failed)], { until })).toEqual([]);
  expect(tryJudge(l6, [stored(10, inspecting()), stored(20, settled)], { until })).toEqual([]);
  expect(tryJudge(l6, [stored(10, inspecting())], { until: 1_800 })).toEqual([]);
});

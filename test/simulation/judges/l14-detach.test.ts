import { expect, test } from "vitest";
import { l14 } from "./l14-detach.ts";
import { fault } from "./made-events.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Given } from "./try-judge.ts";

const asked = (operationalStatus: string, state = "provisioned") =>
  madeHost({
    annotations: { "baremetalhost.metal3.io/detached": "" },
    status: { operationalStatus, provisioning: { state } },
  });
const given: Given = { truth: { machines: new Map([["m1", madeMachine()]]) }, until: 900 };

test("a host that is detached within 10 s keeps the promise", () => {
  const events = [stored(10, asked("OK")), stored(20, asked("detached"))];
  expect(tryJudge(l14, events, given)).toEqual([]);
});

test("one that is detached later, or never, breaks it", () => {
  const late = "u is not detached 11000 ms after it was asked for";
  expect(tryJudge(l14, [stored(10, asked("OK")), stored(21, asked("detached"))], given)).toEqual([
    late,
  ]);
  expect(tryJudge(l14, [stored(10, asked("OK"))], { ...given, until: 21 })).toEqual([late]);
});

test("work of a ramdisk, another state and a broken world excuse it", () => {
  const works = new Map([["m1", madeMachine({ running: "ramdisk" })]]);
  expect(
    tryJudge(l14, [stored(10, asked("OK"))], { truth: { machines: works }, until: 90 }),
  ).toEqual([]);
  expect(tryJudge(l14, [stored(10, asked("OK", "inspecting"))], given)).toEqual([]);
  expect(tryJudge(l14, [fault(5, "api-throttled", "c"), stored(10, asked("OK"))], given)).toEqual(
    [],
  );
});

import { describe, expect, test } from "vitest";
import { l14 } from "./l14-detach.ts";
import { fault, faultEnded, opened, welcomed } from "./made-events.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Given, Made } from "./try-judge.ts";

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

describe("work that an agent is told to give up", () => {
  const delivery = (at: number, what: "operation" | "cancel"): Made => {
    return {
      at,
      kind: "delivered",
      agent: "site-1",
      what,
      hostUid: "u",
      id: "1",
      operationId: "o",
    };
  };
  const begun = [opened(0), welcomed(0), stored(1, madeHost()), delivery(200, "operation")];

  test("and nobody took back breaks the promise", () => {
    const problem = "o was given up, and nobody took it back";
    expect(tryJudge(l14, [...begun, delivery(210, "cancel")], given)).toEqual([problem]);
    const touched = madeHost({ annotations: { "example.com/touched": "2" } });
    const after = [stored(205, touched, { before: madeHost() }), delivery(210, "cancel")];
    expect(tryJudge(l14, [...begun, ...after], given)).toEqual([problem]);
  });

  test("because of a change of the host, or late news of one, keeps it", () => {
    const given = stored(205, madeHost({ spec: { image: { url: "i" } } }), { before: madeHost() });
    expect(tryJudge(l14, [...begun, given, delivery(210, "cancel")])).toEqual([]);
    const trouble = [
      fault(100, "api-watch-stalled", "c"),
      faultEnded(205, "api-watch-stalled", "c"),
    ];
    expect(
      tryJudge(l14, [...begun.slice(0, 3), ...trouble, ...begun.slice(3), delivery(210, "cancel")]),
    ).toEqual([]);
  });
});

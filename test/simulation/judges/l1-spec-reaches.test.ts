import { describe, expect, test } from "vitest";
import { l1 } from "./l1-spec-reaches.ts";
import { closed, fault, opened, welcomed } from "./made-events.ts";
import { madeHost, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

function told(at: number, externallyProvisioned: boolean, revision = at): Made {
  const hold = { paused: false, detached: false, externallyProvisioned, disablePowerOff: false };
  const [bmcAddress, bootMACAddress] = ["ipmi://10.1.0.11:623", "52:54:01:00:01:00"];
  const document = { bmcAddress, bootMACAddress, hold };
  return {
    at,
    kind: "delivered",
    agent: "site-1",
    id: "1",
    what: "document",
    hostUid: "u",
    revision,
    document,
  };
}

const taken = madeHost({ spec: { externallyProvisioned: true } });
const begun = [opened(0), welcomed(0), stored(1, madeHost()), told(2, false), stored(10, taken)];
const late = "the site does not know the spec of u after 36000 ms";

test("a change that is at the site in time keeps the promise", () => {
  expect(tryJudge(l1, [...begun, told(45, true)], { until: 300 })).toEqual([]);
});

test("a frame that comes twice, the second time after a newer one, tells nothing", () => {
  const again = [...begun, told(20, true), told(30, false, 2)];
  expect(tryJudge(l1, again, { until: 300 })).toEqual([]);
  expect(tryJudge(l1, [...begun, told(20, true), told(30, false)], { until: 300 })).toHaveLength(1);
});

test("a change that comes later, or never, breaks it", () => {
  expect(tryJudge(l1, [...begun, told(46, true)])).toEqual([late]);
  expect(tryJudge(l1, begun, { until: 46 })).toEqual([late]);
});

test("a change that was taken back, a host that is gone, and what has no document wait for nothing", () => {
  expect(tryJudge(l1, [...begun, stored(20, madeHost())], { until: 300 })).toEqual([]);
  expect(tryJudge(l1, [...begun, stored(20, taken, { verb: "gone" })], { until: 300 })).toEqual([]);
  expect(tryJudge(l1, [stored(1, madeHost()), stored(10, taken)], { until: 300 })).toEqual([]);
});

test("the bound counts from when the agent is connected and nothing is wrong between", () => {
  expect(tryJudge(l1, [...begun, closed(20)], { until: 300 })).toEqual([]);
  expect(tryJudge(l1, [...begun, fault(20, "api-throttled", "c")], { until: 300 })).toEqual([]);
  expect(tryJudge(l1, [...begun, fault(20, "bmc-hangs", "m1")], { until: 46 })).toEqual([late]);
  const unheard = fault(5, "notification-lost", "database");
  expect(tryJudge(l1, [...begun, unheard], { until: 46 })).toEqual([late]);
});

test("a host that only registers, and that a database is told of anew, lets others claim first", () => {
  const about = { statement: "s", place: 0, table: "hosts", key: "u", before: undefined } as const;
  const anew: Made = { at: 12, kind: "commit", ...about, after: {} };
  const status = { provisioning: { state: "registering" } };
  const registering = madeHost({ spec: { externallyProvisioned: true }, status });
  const waiting = [...begun, stored(11, registering), anew];
  expect(tryJudge(l1, [...waiting, told(107, true)], { until: 300 })).toEqual([]);
  expect(tryJudge(l1, waiting, { until: 108 })).toEqual([late]);
  expect(tryJudge(l1, [...begun, anew], { until: 46 })).toEqual([late]);
});

test("what the site has forgotten it need not be told of", () => {
  expect(tryJudge(l1, begun, { until: 300, truth: { holders: () => [] } })).toEqual([]);
});

describe("what was decided of a host", () => {
  const status = (state: string) => ({ provisioning: { state } });
  const decided = (at: number, state: string): Made => {
    const about = {
      statement: "s",
      place: 0,
      table: "hosts",
      key: "u",
      before: undefined,
    } as const;
    return { at, kind: "commit", ...about, after: { memory: { status: status(state) } } };
  };
  const shown = (at: number, state: string, annotations = {}) =>
    stored(at, madeHost({ status: status(state), annotations }), { verb: "status" });
  const known = [opened(0), welcomed(0), shown(1, "available"), decided(2, "available")];
  const old = "the status of u is not what was decided 71000 ms ago";

  test("is shown in time, or breaks the promise", () => {
    const ready = [...known, decided(10, "provisioned")];
    expect(tryJudge(l1, [...ready, shown(80, "provisioned")], { until: 300 })).toEqual([]);
    expect(tryJudge(l1, [...ready, shown(81, "provisioned")], { until: 300 })).toEqual([old]);
    expect(tryJudge(l1, ready, { until: 81 })).toEqual([old]);
  });

  test("is not written while the host is paused, and waits for what stands in its way", () => {
    const paused = { "baremetalhost.metal3.io/paused": "" };
    const ready = [...known, decided(10, "provisioned")];
    expect(tryJudge(l1, [...ready, shown(20, "available", paused)], { until: 300 })).toEqual([]);
    expect(tryJudge(l1, [...ready, fault(20, "api-throttled", "c")], { until: 300 })).toEqual([]);
  });
});

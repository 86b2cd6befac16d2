import { expect, test } from "vitest";
import type { KubernetesObject } from "../world/events.ts";
import { l7 } from "./l7-tries-again.ts";
import { fault, faultEnded, log } from "./made-events.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const machines = new Map([["m1", madeMachine()]]);
const failed = madeHost({ status: { errorType: "inspection error" } });
const secret = (password: string): KubernetesObject => ({
  kind: "Secret",
  metadata: { name: "h-bmc", namespace: "a", uid: "s", resourceVersion: "1" },
  data: { password: btoa(password) },
});
const begun = [stored(0, secret("right")), stored(0, failed), log(2)];
const tried = (at: number): Made => ({
  at,
  kind: "delivered",
  agent: "site-1",
  id: "1",
  what: "operation",
  hostUid: "u",
});

const ended = (at: number): Made => {
  const about = { agent: "site-1", seq: 1, hostUid: "u", operationId: "u.1" };
  return { at, kind: "reported", ...about, what: "operation-failed", failure: "boot-timeout" };
};

test("a failure that is tried again within a quarter of an hour keeps the promise", () => {
  const events = [...begun, tried(901), ended(1_600), log(1_602), tried(2_500)];
  expect(tryJudge(l7, events, { truth: { machines }, until: 2_600 })).toEqual([]);
});

test("one that is tried later, or never again, breaks it", () => {
  const late = "nothing was tried for u in 902000 ms";
  expect(tryJudge(l7, [...begun, tried(901)], { truth: { machines } })).toEqual([]);
  const again = [...begun, tried(100), ended(200), log(202), tried(1_103)];
  expect(tryJudge(l7, again, { truth: { machines } })).toHaveLength(1);
  expect(tryJudge(l7, [...begun, tried(903)], { truth: { machines } })).toHaveLength(1);
  expect(tryJudge(l7, begun, { truth: { machines }, until: 904 })).toEqual([late]);
});

test("what only a person can end, and what is wrong with the world, is no breach", () => {
  const until = 5_000;
  const wrong = [stored(0, secret("wrong")), stored(0, failed), log(2)];
  expect(tryJudge(l7, wrong, { truth: { machines }, until })).toEqual([]);
  const nobody = new Map([["m1", madeMachine({ macs: [] })]]);
  expect(tryJudge(l7, begun, { truth: { machines: nobody }, until })).toEqual([]);
  const moved = { bmc: { address: "ipmi://10.1.0.99" } };
  const other = madeHost({ name: "i", uid: "v", spec: moved });
  expect(tryJudge(l7, [...begun, stored(3, other)], { truth: { machines }, until })).toEqual([]);
  const hangs = [...begun, fault(10, "bmc-hangs", "m1")];
  expect(tryJudge(l7, hangs, { truth: { machines }, until })).toEqual([]);
  const kept = (errorType: string): Made[] => {
    const host = madeHost({ spec: { externallyProvisioned: true }, status: { errorType } });
    return [stored(0, secret("right")), stored(0, host), log(2)];
  };
  expect(tryJudge(l7, kept("preparation error"), { truth: { machines }, until })).toEqual([]);
  expect(tryJudge(l7, kept("registration error"), { truth: { machines }, until })).toHaveLength(1);
  const neither = { disablePowerOff: true, online: false };
  const contradicts = madeHost({ spec: neither, status: { errorType: "registration error" } });
  const told = [stored(0, secret("right")), stored(0, contradicts), log(2)];
  expect(tryJudge(l7, told, { truth: { machines }, until })).toEqual([]);
  const given = madeHost({ status: { errorType: "provisioning error" } });
  const events = [stored(0, secret("right")), stored(0, given), log(2)];
  expect(tryJudge(l7, events, { truth: { machines }, until })).toEqual([]);
});

/** Two tries that begin in peace, at 100 and 300 s, and fail. */
function twice(failure: string, second: Made[] = []): Made[] {
  const given = (at: number, id: string): Made => {
    const about = { agent: "site-1", id, what: "operation", hostUid: "u" } as const;
    return { at, kind: "delivered", ...about, operationId: `u.${id}` };
  };
  const failed = (at: number, id: string): Made => {
    const about = { agent: "site-1", seq: 1, hostUid: "u", operationId: `u.${id}` };
    return { at, kind: "reported", ...about, what: "operation-failed", failure };
  };
  return [
    ...begun,
    given(100, "1"),
    failed(110, "1"),
    ...second,
    given(300, "2"),
    failed(310, "2"),
  ];
}

test("a second failure in a row with nothing wrong breaks it, one with a cause does not", () => {
  const truth = { machines };
  const vain = "work for u fails again (disk), and nothing is wrong";
  expect(tryJudge(l7, twice("disk"), { truth })).toEqual([vain]);
  expect(tryJudge(l7, twice("fenced"), { truth })).toEqual([]);
  const told = twice("disk").slice(0, -2);
  expect(tryJudge(l7, [...told, ...told.slice(-1)], { truth })).toEqual([]);
  const lately = [fault(250, "disk-error", "m1"), faultEnded(251, "disk-error", "m1")];
  expect(tryJudge(l7, twice("disk", lately), { truth })).toEqual([]);
  const odd = new Map([["m1", madeMachine({ quirks: ["flaps"] })]]);
  expect(tryJudge(l7, twice("disk"), { truth: { machines: odd } })).toEqual([]);
  const pressed: Made = { at: 305, kind: "power", machine: "m1", on: false, why: "button" };
  const events = twice("boot-timeout");
  expect(tryJudge(l7, [...events.slice(0, -1), pressed, ...events.slice(-1)], { truth })).toEqual(
    [],
  );
  const second = madeMachine({ macs: ["52:54:01:00:01:99", "52:54:01:00:01:00"] });
  const beside = { machines: new Map([["m1", second]]) };
  expect(tryJudge(l7, twice("disk"), { truth: beside })).toEqual([]);
});

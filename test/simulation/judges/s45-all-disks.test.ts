import { expect, test } from "vitest";
import type { DiskTruth } from "../world/truth.ts";
import { s45 } from "./s45-all-disks.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Given, Made } from "./try-judge.ts";

function disk(serialNumber: string, dirtyAt?: number): DiskTruth {
  return {
    serialNumber,
    sizeBytes: 2 ** 33,
    name: "sda",
    peek: (_, length) => new Uint8Array(length),
    holds: () => false,
    isZero: (offset, length) =>
      dirtyAt === undefined || dirtyAt < offset || dirtyAt >= offset + length,
    keeps: () => false,
    unflushedBytes: 0,
    system: undefined,
  };
}
const given = (...disks: readonly DiskTruth[]): Given => ({
  truth: { machines: new Map([["m1", madeMachine({ disks })]]) },
});
const done = (...disks: readonly (readonly [serialNumber: string, ok: boolean])[]): Made => ({
  at: 200,
  kind: "ramdisk-message",
  machine: "m1",
  boot: 1,
  direction: "to agent",
  type: "done",
  operationId: "u.1",
  step: "erase",
  disks: disks.map(([serialNumber, ok]) => ({ serialNumber, ok })),
});
const inState = (state: string, spec: object = {}) =>
  madeHost({ spec: { ...spec }, status: { provisioning: { state } } });
const offered = (from: string, spec: object = {}) =>
  stored(300, inState("available", spec), {
    by: "farrier",
    verb: "status",
    before: inState(from, spec),
  });
const both = given(disk("A"), disk("B"));

test("all disks erased before the host is offered keep the invariant", () => {
  const events = [done(["A", true], ["B", true]), offered("preparing")];
  expect(tryJudge(s45, events, both)).toEqual([]);
});

test.each([100, 2 ** 33 - 512])(
  "a disk that is reported erased and holds byte %d breaks it",
  (at) => {
    expect(tryJudge(s45, [done(["A", true])], given(disk("A", at)))).toEqual([
      "A is reported erased, and is not",
    ]);
    expect(tryJudge(s45, [done(["A", false])], given(disk("A", at)))).toEqual([]);
  },
);

test("a disk that is reported erased while its cache holds some of that breaks it", () => {
  const cached = { ...disk("A"), unflushedBytes: 65_536 };
  expect(tryJudge(s45, [done(["A", true])], given(cached))).toEqual([
    "A is reported erased, and may not be after a loss of power",
  ]);
});

test("a disk that was left out, or failed, breaks it when the host is offered", () => {
  const message = "offered, and B was not erased";
  expect(tryJudge(s45, [done(["A", true]), offered("deprovisioning")], both)).toEqual([message]);
  const failed = [done(["A", true], ["B", false]), offered("preparing")];
  expect(tryJudge(s45, failed, both)).toEqual([message]);
});

test("a host whose cleaning is disabled, and one that was offered before, are none of its business", () => {
  const disabled = { automatedCleaningMode: "disabled" };
  expect(tryJudge(s45, [offered("preparing", disabled)], both)).toEqual([]);
  expect(tryJudge(s45, [offered("available")], both)).toEqual([]);
});

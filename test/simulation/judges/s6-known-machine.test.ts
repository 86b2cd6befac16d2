import { expect, test } from "vitest";
import { fault } from "./made-events.ts";
import { changed, fromRamdisk, toRamdisk } from "./made-messages.ts";
import { s6 } from "./s6-known-machine.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

/** The second is the first with another board, as far as a host can see. */
const machines = new Map([
  ["m1", madeMachine()],
  ["m2", madeMachine({ name: "m2", serialNumber: "SN-new" })],
]);
const judge = (...events: readonly Made[]) => tryJudge(s6, events, { truth: { machines } });
const inspected = (at: number, machine: string) =>
  fromRamdisk(at, "done", "u.1", { machine, step: "inspect" });
const go = (at: number, machine: string, operationId = "u.2") =>
  toRamdisk(at, "go", operationId, { machine });

test("a word to destroy on another machine than was inspected breaks it", () => {
  expect(judge(inspected(1, "m1"), go(2, "m1"))).toEqual([]);
  expect(judge(inspected(1, "m1"), go(2, "m2"))).toEqual([
    "go for u.2 on  SN-new, inspected was  SN-m1",
  ]);
});

test("one that was inspected anew, another host's, and one behind exchanged cables do not", () => {
  expect(judge(inspected(1, "m1"), inspected(2, "m2"), go(3, "m2"))).toEqual([]);
  expect(judge(inspected(1, "m1"), go(2, "m2", "v.1"))).toEqual([]);
  const exchanged = fault(0, "swapped-machine", "m1+m2");
  expect(judge(exchanged, inspected(1, "m1"), go(2, "m2"))).toEqual([]);
});

test("work on a machine that no host names breaks it", () => {
  expect(judge(stored(0, madeHost()), changed(2))).toEqual([]);
  expect(judge(changed(2))).toHaveLength(1);
});

test("hardware that a host shows, and no inspection of it has found, breaks it", () => {
  const hardware = { systemVendor: { serialNumber: "SN-m1" } };
  const shown = (at: number, uid: string) =>
    stored(at, madeHost({ uid, status: { hardware } }), { verb: "status" });
  expect(judge(inspected(1, "m1"), shown(2, "u"), inspected(3, "m2"), shown(4, "u"))).toEqual([]);
  const behind = [fault(0, "swapped-machine", "m1+m2"), inspected(1, "m1"), shown(2, "u")];
  expect(judge(...behind)).toEqual([]);
  const text = ["h shows SN-m1, which no inspection of it has found"];
  expect(judge(inspected(1, "m1"), shown(2, "v"))).toEqual(text);
  expect(judge(inspected(1, "m2"), shown(2, "u"))).toEqual(text);
});

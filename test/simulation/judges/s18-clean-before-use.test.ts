import { expect, test } from "vitest";
import { fromRamdisk, toRamdisk } from "./made-messages.ts";
import { madeDisk, usedDisk } from "./made-disk.ts";
import { s18 } from "./s18-clean-before-use.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const inState = (state: string, spec = {}) =>
  madeHost({ spec, status: { provisioning: { state } } });

function goes(at: number, from: string, to: string, spec = {}): Made {
  return stored(at, inState(to, spec), {
    before: inState(from, spec),
    verb: "status",
    by: "farrier",
  });
}

function judged(events: readonly Made[], disk = usedDisk("d1")): readonly string[] {
  const machines = new Map([["m1", madeMachine({ disks: [madeDisk("d0"), disk] })]]);
  return tryJudge(s18, events, { truth: { machines } });
}

const provisioned = goes(1, "provisioning", "provisioned");
const given = goes(2, "provisioned", "deprovisioning");
const available = goes(9, "deprovisioning", "available");

test("a host that becomes available with a system on a disk is a violation, with clean disks not", () => {
  expect(judged([provisioned, given, available])).toEqual([
    "available after deprovisioning, and something is on its disks",
  ]);
  expect(judged([provisioned, given, available], madeDisk("d1"))).toEqual([]);
});

test("a disk with a partition table but no boot record is not clean, at either end", () => {
  for (const at of [512, 64 * 1024 - 512]) {
    const disk = madeDisk("d1");
    disk.bytes.set(Buffer.from("EFI PART"), at);
    expect(judged([provisioned, available], disk)).toHaveLength(1);
  }
});

/** Clean when it is looked at first; the next write has begun when it is looked at again. */
function writtenSoon() {
  let looks = 0;
  return {
    ...madeMachine(),
    get disks() {
      looks += 1;
      return [looks === 1 ? madeDisk("d1") : usedDisk("d1")];
    },
  };
}

test("disks may be written again before the status is seen, if they were clean since they were used", () => {
  const judge = (events: readonly Made[]) =>
    tryJudge(s18, events, { truth: { machines: new Map([["m1", writtenSoon()]]) } });
  const erased = (at: number) => fromRamdisk(at, "done", "u.2", { step: "erase" });
  expect(judge([provisioned, given, erased(5), available])).toEqual([]);
  expect(judge([erased(0), provisioned, given, available])).toHaveLength(1);
});

test("with cleaning disabled, before or at the end, nothing is promised", () => {
  const off = { automatedCleaningMode: "disabled" };
  expect(judged([provisioned, goes(9, "deprovisioning", "available", off)])).toEqual([]);
  expect(judged([provisioned, goes(2, "provisioned", "deprovisioning", off), available])).toEqual(
    [],
  );
  const long = goes(0, "provisioning", "provisioned", off);
  expect(judged([long, provisioned, available])).toHaveLength(1);
});

const write = (at: number) => toRamdisk(at, "run", "u.3", { step: "write" });

test("an image that is to be written over another is a violation, on clean disks not", () => {
  const message = "is to be written, and something is on its disks";
  expect(judged([given, write(10), write(11)])).toEqual([message]);
  expect(judged([write(10)], madeDisk("d1"))).toEqual([]);
});

test("where cleaning was disabled since the disks were clean last an image may be written over another", () => {
  const kept = goes(3, "deprovisioning", "available", { automatedCleaningMode: "disabled" });
  expect(judged([kept, write(10)])).toEqual([]);
});

import { expect, test } from "vitest";
import { s28 } from "./s28-ramdisk-for-work.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const becomes = (at: number, state: string): Made =>
  stored(at, madeHost({ status: { provisioning: { state } } }));
const runs = (at: number, running: "firmware" | "ramdisk"): Made => {
  return { at, kind: "running", machine: "m1", boot: 1, running };
};

function judged(events: readonly Made[]): readonly string[] {
  return tryJudge(s28, events, { truth: { machines: new Map([["m1", madeMachine()]]) } });
}

test.each(["provisioned", "externally provisioned"])(
  "a ramdisk that boots on a host that is %s is a violation",
  (state) => {
    const events = [becomes(10, state), runs(40, "firmware"), runs(70, "ramdisk")];
    expect(judged(events)).toEqual([`the ramdisk runs on a host that is ${state}`]);
  },
);

test("one that is worked on may boot it, and so may one that became somebody's in that boot", () => {
  const boot = [runs(10, "firmware"), runs(40, "ramdisk")];
  expect(judged([becomes(5, "inspecting"), ...boot])).toEqual([]);
  const [begins, arrives] = boot as [Made, Made];
  expect(judged([begins, becomes(12, "externally provisioned"), arrives])).toEqual([]);
  expect(judged([begins, becomes(12, "provisioned"), arrives])).toHaveLength(1);
});

import { expect, test } from "vitest";
import { pausedAnnotation } from "./host-of.ts";
import { changed } from "./made-messages.ts";
import { s3 } from "./s3-held-disks.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";

const truth = { machines: new Map([["m1", madeMachine()]]) };
const annotations = { [pausedAnnotation]: "" };

test("a change of a host that is held for long is seen", () => {
  expect(tryJudge(s3, [stored(1, madeHost({ annotations })), changed(100)], { truth })).toEqual([
    "write on d1: held for 99000 ms",
  ]);
});

test("one that was on its way, one of our own, and one behind exchanged cables are none", () => {
  expect(tryJudge(s3, [stored(1, madeHost({ annotations })), changed(60)], { truth })).toEqual([]);
  expect(tryJudge(s3, [stored(1, madeHost()), changed(100)], { truth })).toEqual([]);
  const elsewhere = madeHost({ annotations, spec: { bootMACAddress: "52:54:01:00:03:00" } });
  expect(tryJudge(s3, [stored(1, elsewhere), changed(100)], { truth })).toEqual([]);
});

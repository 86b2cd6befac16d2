// S1 and S3: an agent that knows better says "go".
import { expect, test } from "vitest";
import { toRamdisk } from "./made-messages.ts";
import { s1 } from "./s1-external-untouched.ts";
import { s3 } from "./s3-held-disks.ts";
import { madeMachine, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const truth = { machines: new Map([["m1", madeMachine()]]) };
const free = {
  paused: false,
  detached: false,
  externallyProvisioned: false,
  disablePowerOff: false,
};
const told = (at: number, hold: Partial<typeof free>, revision?: number): Made => ({
  at,
  kind: "delivered",
  agent: "site-1",
  what: "document",
  hostUid: "u",
  id: "1",
  ...(revision === undefined ? {} : { revision }),
  document: { bmcAddress: "", bootMACAddress: undefined, hold: { ...free, ...hold } },
});

test.each([
  [s1, { externallyProvisioned: true }],
  [s3, { paused: true }],
  [s3, { detached: true }],
])("an agent that knows better gives no word to destroy", (kind, hold) => {
  const go = toRamdisk(10, "go", "u.1");
  expect(tryJudge(kind, [told(1, hold), go], { truth })).toHaveLength(1);
  expect(tryJudge(kind, [told(9, hold), go], { truth })).toEqual([]);
  expect(tryJudge(kind, [told(1, hold), told(5, {}), go], { truth })).toEqual([]);
  const older = [told(1, {}, 2), told(2, hold, 1), go];
  expect(tryJudge(kind, older, { truth })).toEqual([]);
  expect(tryJudge(kind, [told(1, {}, 1), told(2, hold, 2), go], { truth })).toHaveLength(1);
  expect(tryJudge(kind, [told(1, hold), toRamdisk(10, "go", "v.1")], { truth })).toEqual([]);
});

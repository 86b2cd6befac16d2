import { expect, test } from "vitest";
import { changed } from "./made-messages.ts";
import { s1 } from "./s1-external-untouched.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";

const truth = { machines: new Map([["m1", madeMachine()]]) };
const status = { provisioning: { state: "externally provisioned" } };
const external = (spec: object, shown: Readonly<Record<string, unknown>> = {}) =>
  madeHost({ spec: { externallyProvisioned: true, ...spec }, status: shown });

test("a change of a host that is known to be external, or has long been, is seen", () => {
  expect(tryJudge(s1, [stored(1, external({}, status)), changed(2)], { truth })).toHaveLength(1);
  expect(tryJudge(s1, [stored(1, external({})), changed(100)], { truth })).toHaveLength(1);
});

test("one that was on its way, one of our own, and one that only names the BMC are none", () => {
  expect(tryJudge(s1, [stored(1, external({})), changed(60)], { truth })).toEqual([]);
  expect(tryJudge(s1, [stored(1, madeHost()), changed(100)], { truth })).toEqual([]);
  const refused = stored(1, external({}, { provisioning: { state: "registering" } }));
  const holder = stored(1, madeHost({ name: "holder", uid: "v" }));
  expect(tryJudge(s1, [refused, holder, changed(100)], { truth })).toEqual([]);
  expect(tryJudge(s1, [refused, changed(100)], { truth })).toHaveLength(1);
  const elsewhere = external({ bootMACAddress: "52:54:01:00:03:00" }, status);
  expect(tryJudge(s1, [stored(1, elsewhere), changed(100)], { truth })).toEqual([]);
});

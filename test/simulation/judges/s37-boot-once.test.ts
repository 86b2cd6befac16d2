import { expect, test } from "vitest";
import type { MachineTruth } from "../world/truth.ts";
import { s37 } from "./s37-boot-once.ts";
import { fault } from "./made-events.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Given, Made } from "./try-judge.ts";

const image = { url: "http://images.example/image-1.raw" };
const host = (state: string) =>
  madeHost({ spec: { image }, status: { provisioning: { state, image } } });
const provisioned = stored(100, host("provisioned"), {
  by: "farrier",
  verb: "status",
  before: host("provisioning"),
});
const given = (override?: MachineTruth["override"]): Given => ({
  truth: { machines: new Map([["m1", madeMachine({ override })]]) },
});
const device = (once: boolean): Made => {
  return { at: 1, kind: "boot-device", machine: "m1", place: "network", once, agent: "site-1" };
};
const served = (at: number, status = 200): Made => {
  const path = "/boot/52-54-01-00-01-00/script.ipxe";
  return { at, kind: "served", machine: "m1", client: "10.1.0.100", path, status };
};

test("one boot, and nothing left of it, keeps the invariant", () => {
  const disk = given({ place: "disk", once: false });
  expect(tryJudge(s37, [device(true), served(90), provisioned, served(400, 404)], disk)).toEqual(
    [],
  );
  expect(tryJudge(s37, [provisioned, served(150)], given())).toEqual([]);
});

test("network for every boot breaks it", () => {
  expect(tryJudge(s37, [device(false)], given())).toEqual(["network boot is set for every boot"]);
});

test("an override that is left when the host is provisioned breaks it, but not behind other cables", () => {
  const left = given({ place: "network", once: true });
  expect(tryJudge(s37, [provisioned], left)).toEqual([
    "provisioned, and its BMC still says network",
  ]);
  expect(tryJudge(s37, [fault(1, "swapped-machine", "m1+m2"), provisioned], left)).toEqual([]);
});

test("an override that is left when a host is taken over as it is does not", () => {
  const left = given({ place: "network", once: true });
  const before = host("externally provisioned");
  expect(tryJudge(s37, [{ ...provisioned, before } as Made], left)).toEqual([]);
});

test("a boot network that serves a host that is provisioned for long breaks it, unless more is wanted", () => {
  expect(tryJudge(s37, [provisioned, served(200)], given())).toHaveLength(1);
  const other = madeHost({ ...host("provisioned"), spec: {} });
  expect(tryJudge(s37, [provisioned, stored(150, other), served(200)], given())).toEqual([]);
});

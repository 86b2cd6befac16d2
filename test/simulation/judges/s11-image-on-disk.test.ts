import { expect, test } from "vitest";
import { fault } from "./made-events.ts";
import { madeDisk, madeImage } from "./made-disk.ts";
import { s11 } from "./s11-image-on-disk.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const [one, two] = [madeImage("one", 1), madeImage("two", 2)];
const written = madeMachine({
  disks: [madeDisk("d1", new Uint8Array(one.bytes)), madeDisk("d2", new Uint8Array(two.bytes))],
});
const neighbour = madeMachine({
  name: "m2",
  bmcAddress: "10.1.0.12:623",
  macs: ["52:54:01:00:02:00"],
  disks: [madeDisk("d3")],
});
const machines = new Map([written, neighbour].map((each) => [each.name, each]));
const itsMac = "52:54:01:00:01:00";

const becomesProvisioned = (spec: object = {}, url = one.url): Made => {
  const inState = (state: string) =>
    madeHost({ spec: { ...spec }, status: { provisioning: { state, image: { url } } } });
  return stored(2, inState("provisioned"), { before: inState("provisioning") });
};
const judged = (...events: readonly Made[]) =>
  tryJudge(s11, events, { truth: { machines, images: [one, two, madeImage("three", 3)] } });

test("a host whose image is on none of its machine's disks is a violation", () => {
  const url = "http://images.example/three.raw";
  const message = `provisioned with ${url}, which is on none of its disks`;
  expect(judged(becomesProvisioned({}, url))).toEqual([message]);
  expect(judged(becomesProvisioned({}, "http://images.example/none.raw"))).toHaveLength(1);
  expect(judged(becomesProvisioned({ externallyProvisioned: true }, url))).toEqual([]);
  expect(judged(fault(1, "swapped-machine", "m1+m2"), becomesProvisioned({}, url))).toEqual([]);
});

test("one whose image is on a disk is none, although its BMC's address is another machine's by now", () => {
  expect(judged(becomesProvisioned())).toEqual([]);
  const bmc = { address: "ipmi://10.1.0.12:623", credentialsName: "h-bmc" };
  expect(judged(becomesProvisioned({ bmc, bootMACAddress: itsMac }))).toEqual([]);
});

test("a host that names another machine altogether is a violation, by its MAC or else by its BMC", () => {
  const bmc = { address: "ipmi://10.1.0.12:623", credentialsName: "h-bmc" };
  expect(judged(becomesProvisioned({ bootMACAddress: "52:54:01:00:02:00" }))).toHaveLength(1);
  const unknown = "52:54:09:00:09:00";
  expect(judged(becomesProvisioned({ bmc, bootMACAddress: unknown }))).toHaveLength(1);
  expect(judged(becomesProvisioned({ bootMACAddress: unknown }))).toEqual([]);
});

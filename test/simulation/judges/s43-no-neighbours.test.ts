import { expect, test } from "vitest";
import { madeDisk } from "./made-disk.ts";
import { delivered } from "./made-messages.ts";
import { s43 } from "./s43-no-neighbours.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Given } from "./try-judge.ts";

const disk = madeDisk("m2-d1");
const mac = "52:54:01:00:02:00";
const second = madeMachine({
  name: "m2",
  bmcAddress: "10.1.0.12:623",
  macs: [mac],
  disks: [disk],
});
const given: Given = {
  truth: {
    machines: new Map([
      ["m1", madeMachine()],
      ["m2", second],
    ]),
  },
};
const bmc = { address: "ipmi://10.1.0.12", credentialsName: "x" };
const neighbour = (namespace: string) =>
  madeHost({ name: "secret", namespace, uid: "u-2", spec: { bmc, bootMACAddress: mac } });
const says = (errorMessage: string, namespace = "b") =>
  tryJudge(
    s43,
    [
      stored(1, neighbour(namespace)),
      delivered(1, "document", 1, { hostUid: "u-2" }),
      stored(200, madeHost({ status: { errorMessage } }), { by: "farrier", verb: "status" }),
    ],
    given,
  );

test.each([
  "the BMC 10.1.0.12 is taken",
  "b/secret has it",
  "claimed by u-2",
  `MACs seen instead: ${mac}`,
  "disk m2-d1",
])("a message about a host of another namespace breaks the invariant: %s", (text) => {
  expect(says(text)).toHaveLength(1);
});

test("a message about oneself, or about a neighbour in the same namespace, keeps it", () => {
  expect(says("the BMC 10.1.0.11 does not answer, u waits")).toEqual([]);
  expect(says("the BMC 10.1.0.12 is host secret's", "a")).toEqual([]);
});

test("an Event tells on it, too, and what its spec said is known to a host", () => {
  const event = {
    kind: "Event",
    metadata: { name: "e", namespace: "a", uid: "e", resourceVersion: "1" },
    message: "10.1.0.12 does not answer",
    involvedObject: { uid: "u" },
  };
  const begun = [stored(1, neighbour("b")), stored(2, madeHost())];
  const told = stored(4, event, { by: "farrier", verb: "create" });
  expect(tryJudge(s43, [...begun, told], given)).toHaveLength(1);
  const mistyped = stored(3, madeHost({ spec: { bmc } }));
  expect(tryJudge(s43, [...begun, mistyped, told], given)).toEqual([]);
});

test("a host that is gone is a neighbour for as long as its going may be on its way", () => {
  const gone = stored(10, neighbour("b"), { verb: "gone" });
  const told = (at: number) =>
    stored(at, madeHost({ status: { errorMessage: `MACs seen instead: ${mac}` } }), {
      by: "farrier",
      verb: "status",
    });
  const known = [stored(1, neighbour("b")), delivered(1, "document", 1, { hostUid: "u-2" })];
  expect(tryJudge(s43, [...known, gone, told(90)], given)).toHaveLength(1);
  expect(tryJudge(s43, [...known, gone, told(101)], given)).toEqual([]);
});

test("a MAC of a neighbour that no site was told of in time is nobody's, and its BMC is not", () => {
  const says = (at: number, errorMessage: string) =>
    stored(at, madeHost({ status: { errorMessage } }), { by: "farrier", verb: "status" });
  const [seen, taken] = [`MACs seen instead: ${mac}`, "the BMC 10.1.0.12 is taken"];
  const begun = [stored(1, neighbour("b"))];
  const told = delivered(100, "document", 1, { hostUid: "u-2" });
  expect(tryJudge(s43, [...begun, says(2, seen)], given)).toEqual([]);
  expect(tryJudge(s43, [...begun, told, says(101, seen)], given)).toEqual([]);
  expect(tryJudge(s43, [...begun, says(2, seen), told, says(200, seen)], given)).toEqual([]);
  const gone = stored(3, neighbour("b"), { verb: "gone" });
  expect(tryJudge(s43, [...begun, gone, says(4, seen)], given)).toEqual([]);
  expect(tryJudge(s43, [...begun, gone, says(4, taken)], given)).toHaveLength(1);
  expect(tryJudge(s43, [...begun, told, says(200, seen)], given)).toHaveLength(1);
  expect(tryJudge(s43, [...begun, says(2, taken)], given)).toHaveLength(1);
});

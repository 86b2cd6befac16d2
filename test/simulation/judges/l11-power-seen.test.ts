import { expect, test } from "vitest";
import type { KubernetesObject } from "../world/events.ts";
import { l11 } from "./l11-power-seen.ts";
import { fault, log } from "./made-events.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Given } from "./try-judge.ts";

const secret: KubernetesObject = {
  kind: "Secret",
  metadata: { name: "h-bmc", namespace: "a", uid: "s", resourceVersion: "1" },
  data: { password: btoa("right") },
};
const host = (poweredOn: boolean, state = "provisioned") =>
  madeHost({ status: { poweredOn, provisioning: { state } } });
const off: Given = {
  truth: { machines: new Map([["m1", madeMachine({ on: false })]]) },
  until: 900,
};
const seconds = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => log(from + at));

test("a machine that is off while its host says on for longer than 240 s breaks the promise", () => {
  const events = [stored(2, secret), stored(2, host(true)), ...seconds(3, 300)];
  expect(tryJudge(l11, events, off)).toEqual([
    "the power of u is not what its status says for 241000 ms",
  ]);
});

test("a status that follows in time keeps it, as does a host that is worked on, out of reach or gone", () => {
  const begun = [stored(2, secret), stored(2, host(true)), ...seconds(3, 200)];
  expect(tryJudge(l11, [...begun, stored(200, host(false)), ...seconds(201, 500)], off)).toEqual(
    [],
  );
  const works = [stored(2, secret), stored(2, host(true, "provisioning")), ...seconds(3, 300)];
  expect(tryJudge(l11, works, off)).toEqual([]);
  const gone = [...begun, stored(200, host(true), { verb: "gone" }), ...seconds(201, 300)];
  expect(tryJudge(l11, gone, off)).toEqual([]);
  const hangs = [fault(1, "bmc-hangs", "m1"), ...begun];
  expect(tryJudge(l11, hangs, off)).toEqual([]);
});

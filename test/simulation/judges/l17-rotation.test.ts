import { expect, test } from "vitest";
import type { KubernetesObject } from "../world/events.ts";
import { l17 } from "./l17-rotation.ts";
import { ended, fault, log, started } from "./made-events.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Given, Made } from "./try-judge.ts";

const secret = (password: string): KubernetesObject => ({
  kind: "Secret",
  metadata: { name: "h-bmc", namespace: "a", uid: "s", resourceVersion: "1" },
  data: { password: btoa(password) },
});
const login = (at: number, ok: boolean, agent = "site-1"): Made => {
  return {
    at,
    kind: "login",
    machine: "m1",
    user: "admin",
    ok,
    passwordNumber: 1,
    agent,
  };
};
const given: Given = { truth: { machines: new Map([["m1", madeMachine()]]) }, until: 900 };
const rotated = [
  stored(0, secret("old")),
  stored(0, madeHost()),
  login(10, false),
  stored(60, secret("right")),
  log(62),
];

test("a login within 2 min after the Secret follows its BMC keeps the promise", () => {
  expect(tryJudge(l17, [...rotated, login(180, true)], given)).toEqual([]);
});

test("a later one, or none, breaks it", () => {
  expect(tryJudge(l17, [...rotated, login(183, true)], given)).toHaveLength(1);
  expect(tryJudge(l17, rotated, { ...given, until: 183 })).toHaveLength(1);
});

test("an agent that is in with the right one, while its copy was refused, has nothing to do", () => {
  const copy = [login(5, true), login(10, false, "site-1#2")];
  const events = [...rotated.slice(0, 2), ...copy, ...rotated.slice(3)];
  expect(tryJudge(l17, events, given)).toEqual([]);
  expect(tryJudge(l17, [...events, ended(70, "site-1#2")], given)).toEqual([]);
  const twice = [...rotated.slice(0, 2), ...copy, login(20, false), ...rotated.slice(3)];
  expect(tryJudge(l17, twice, given)).toHaveLength(1);
});

test("what a copy that is gone had heard is nobody's to mend, where the other was not refused", () => {
  const before = [...rotated.slice(0, 2), login(5, true, "site-1")];
  const copy = login(10, false, "site-1#2");
  const moved = { ...given.truth, machines: new Map([["m1", madeMachine({ passwordNumber: 2 })]]) };
  const since = { ...given, truth: moved };
  const gone = [ended(70, "site-1#2"), started(71, "site-1#2")];
  const after = rotated.slice(3);
  expect(tryJudge(l17, [...before, copy, ...after, ...gone], since)).toEqual([]);
  expect(tryJudge(l17, [...before, copy, ...after], since)).toHaveLength(1);
  expect(tryJudge(l17, [...before, copy, login(20, false), ...after, ...gone], since)).toHaveLength(
    1,
  );
});

test("while they disagree, after the right one failed, and while a BMC hangs nothing is due", () => {
  const disagree = [stored(0, secret("old")), stored(0, madeHost()), login(10, false), log(20)];
  expect(tryJudge(l17, disagree, given)).toEqual([]);
  const spent = [stored(0, secret("right")), stored(0, madeHost()), login(10, false), log(20)];
  expect(tryJudge(l17, spent, given)).toEqual([]);
  expect(tryJudge(l17, [fault(1, "bmc-hangs", "m1"), ...rotated], given)).toEqual([]);
});

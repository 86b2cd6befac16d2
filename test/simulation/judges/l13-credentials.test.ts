import { expect, test } from "vitest";
import type { KubernetesObject } from "../world/events.ts";
import { l13 } from "./l13-credentials.ts";
import { ended, fault, faultEnded, log, started } from "./made-events.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Given, Made } from "./try-judge.ts";

const secret = (password: string): KubernetesObject => ({
  kind: "Secret",
  metadata: { name: "h-bmc", namespace: "a", uid: "s", resourceVersion: "1" },
  data: { password: btoa(password) },
});
const login = (at: number, ok: boolean, agent = "site-1"): Made => {
  const passwordNumber = ok ? 1 : undefined;
  return { at, kind: "login", machine: "m1", user: "admin", ok, passwordNumber, agent };
};
const given: Given = { truth: { machines: new Map([["m1", madeMachine()]]) }, until: 900 };
const refused = [stored(0, secret("wrong")), stored(0, madeHost()), login(10, false)];
const told = stored(100, madeHost({ status: { errorMessage: "the password is wrong" } }));

test("a wrong password that is told, and a right one that is tried, keep the promise", () => {
  const events = [...refused, told, log(102), stored(200, secret("right")), login(205, true)];
  expect(tryJudge(l13, events, given)).toEqual([]);
});

test("a wrong password of which nobody is told breaks it", () => {
  expect(tryJudge(l13, refused, { ...given, until: 251 })).toEqual([
    "nobody was told of a wrong password for 241000 ms",
  ]);
});

test("a right password that is not tried at once breaks it", () => {
  const corrected = [...refused, told, log(102), stored(200, secret("right"))];
  expect(tryJudge(l13, [...corrected, login(206, true)], given)).toEqual([
    "no login 6000 ms after the Secret was right",
  ]);
  expect(tryJudge(l13, corrected, { ...given, until: 206 })).toHaveLength(1);
});

test("an agent that is in with the right password, while its copy was refused, has nothing to try", () => {
  const refusedCopy = [...refused.slice(0, 2), login(5, true), login(10, false, "site-1#2"), told];
  const corrected = [log(102), stored(200, secret("right"))];
  expect(tryJudge(l13, [...refusedCopy, ...corrected], given)).toEqual([]);
  const anew = [...refusedCopy, ended(150, "site-1"), started(160, "site-1"), ...corrected];
  expect(tryJudge(l13, anew, given)).toHaveLength(1);
  const refusedToo = [...refusedCopy, login(102, false), ...corrected];
  expect(tryJudge(l13, refusedToo, given)).toHaveLength(1);
});

test("what a copy that is gone had heard nobody tells while the other is logged in", () => {
  const before = [stored(0, secret("wrong")), stored(0, madeHost())];
  const copy = login(10, false, "site-1#2");
  const gone = [copy, ended(20, "site-1#2"), started(21, "site-1#2")];
  expect(tryJudge(l13, [...before, login(5, true), ...gone], given)).toEqual([]);
  expect(tryJudge(l13, [...before, ...gone], given)).toHaveLength(1);
  expect(tryJudge(l13, [...before, login(5, true), copy], given)).toHaveLength(1);
  const other = [copy, ended(20, "site-1"), started(21, "site-1")];
  expect(tryJudge(l13, [...before, login(5, true), ...other], given)).toHaveLength(1);
});

test("a password that failed before, and a site that cannot be reached, excuse", () => {
  const before = [stored(0, secret("right")), stored(0, madeHost()), login(10, false), told];
  const again = [...before, log(102), stored(150, secret("other")), stored(200, secret("right"))];
  expect(tryJudge(l13, again, given)).toEqual([]);
  const cut = [
    ...refused,
    told,
    log(102),
    fault(150, "wan-partition"),
    stored(200, secret("right")),
  ];
  expect(tryJudge(l13, cut, given)).toEqual([]);
  const right = [stored(200, secret("right")), faultEnded(300, "bmc-restarts", "m1"), log(310)];
  const away = [...refused, told, log(102), fault(150, "bmc-restarts", "m1"), ...right];
  expect(tryJudge(l13, away, given)).toEqual([]);
  const other = [...refused, told, log(102), fault(150, "bmc-restarts", "m2"), ...right];
  const ends = [...other, faultEnded(320, "bmc-restarts", "m2"), log(330)];
  expect(tryJudge(l13, ends, given)).toHaveLength(1);
});

import { expect, test } from "vitest";
import { canaryPassword } from "../kubernetes/canaries.ts";
import { s13 } from "./s13-no-old-password.ts";
import { stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

function secret(at: number, number: number, name = "h-bmc"): Made {
  const password = Buffer.from(canaryPassword("m1", number)).toString("base64");
  const metadata = { name, namespace: "a", uid: name, resourceVersion: "1" };
  return stored(at, { kind: "Secret", metadata, data: { password } });
}

function login(at: number, passwordNumber: number | undefined, ok = true): Made {
  return { at, kind: "login", machine: "m1", user: "admin", ok, passwordNumber, agent: "site-1" };
}

const rotated = [secret(1, 1), login(2, 1), secret(3, 2), login(4, 2)];

test("a replaced password that is tried after the new one was taken is a violation", () => {
  expect(tryJudge(s13, [...rotated, login(5, 1, false)])).toEqual([
    "password 1 was tried after 2 had been taken",
  ]);
});

test("trying the old one before the new one was taken, or a wrong one, is none", () => {
  const early = [secret(1, 1), login(2, 1), secret(3, 2), login(4, 1, false), login(5, 2)];
  expect(tryJudge(s13, early)).toEqual([]);
  expect(tryJudge(s13, [...rotated, login(5, undefined, false)])).toEqual([]);
});

test("a password that a Secret holds again, or another Secret still holds, is none", () => {
  expect(tryJudge(s13, [...rotated, secret(5, 1), login(6, 1, false)])).toEqual([]);
  expect(tryJudge(s13, [secret(0, 1, "twin-bmc"), ...rotated, login(6, 1, false)])).toEqual([]);
});

test("a copy of the agent may try what it does not know to be replaced", () => {
  const ofCopy = { ...login(5, 1, false), agent: "site-1#2" } as Made;
  expect(tryJudge(s13, [...rotated, ofCopy])).toEqual([]);
});

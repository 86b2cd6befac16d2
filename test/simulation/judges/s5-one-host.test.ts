import { expect, test } from "vitest";
import { s5 } from "./s5-one-host.ts";
import {
  madeHost,
  madeMetal3Machine,
  madeOpenShiftMachine,
  stored,
  tryJudge,
} from "./try-judge.ts";

const host = (name: string, consumer?: string) =>
  madeHost({
    name,
    uid: name,
    spec: consumer === undefined ? {} : { consumerRef: { name: consumer } },
  });

test("two hosts at a time with one consumer are a violation", () => {
  const events = [
    stored(1, host("h1", "x"), { before: host("h1") }),
    stored(2, host("h2", "x"), { before: host("h2") }),
  ];
  expect(tryJudge(s5, events)).toEqual(["a/x holds /BareMetalHost/a/h1 and /BareMetalHost/a/h2"]);
});

test("two consumers, and one host after the other, are none", () => {
  const events = [
    stored(1, host("h1", "x"), { before: host("h1") }),
    stored(2, host("h2", "y"), { before: host("h2") }),
    stored(3, host("h1"), { before: host("h1", "x") }),
    stored(4, host("h3", "x"), { before: host("h3") }),
    stored(5, host("h3", "x"), { before: host("h3", "x"), verb: "gone" }),
    stored(6, host("h4", "x"), { before: undefined, verb: "create" }),
  ];
  expect(tryJudge(s5, events)).toEqual([]);
});

test("a providerID that another machine had is a violation", () => {
  const machine = (name: string, providerID: string) =>
    stored(1, { ...madeMetal3Machine(name), spec: { providerID } });
  expect(tryJudge(s5, [machine("x", "1"), machine("x", "1"), machine("y", "2")])).toEqual([]);
  expect(tryJudge(s5, [machine("x", "1"), machine("y", "1")])).toEqual([
    "1 was the providerID of uid of x",
  ]);
});

test("a providerID of OpenShift, which names a host, may be the next Machine's when the first is deleted", () => {
  const machine = (at: number, name: string, deleted = false) =>
    stored(at, madeOpenShiftMachine(name, { deleted, spec: { providerID: "1" } }));
  expect(tryJudge(s5, [machine(1, "x"), machine(2, "y")])).toHaveLength(1);
  expect(tryJudge(s5, [machine(1, "x"), machine(2, "x", true), machine(3, "y")])).toEqual([]);
});

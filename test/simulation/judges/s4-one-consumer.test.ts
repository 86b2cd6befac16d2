import { describe, expect, test } from "vitest";
import { s4 } from "./s4-one-consumer.ts";
import {
  madeHost,
  madeMachine,
  madeMetal3Machine,
  madeOpenShiftMachine,
  stored,
  tryJudge,
} from "./try-judge.ts";
import type { Made } from "./try-judge.ts";
import type { KubernetesObject } from "../world/events.ts";

const free = madeHost();
const usedBy = (name: string, more: Parameters<typeof madeHost>[0] = {}) =>
  madeHost({
    ...more,
    spec: { ...more.spec, consumerRef: { kind: "Metal3Machine", name, namespace: "a" } },
  });
const machine = stored(0, madeMetal3Machine("x"));
const farrier = { by: "farrier" } as const;

test("a host that is taken from its consumer is a violation, whoever does it", () => {
  for (const by of ["claimer", "farrier"] as const) {
    const taken = stored(1, usedBy("y"), { before: usedBy("x"), by });
    expect(tryJudge(s4, [machine, taken])).toEqual(["the host was taken: a/x → a/y"]);
  }
});

test("Farrier gives a host to a Metal3Machine, and to nobody else", () => {
  const given = stored(1, usedBy("x"), { before: free, ...farrier });
  expect(tryJudge(s4, [machine, given])).toEqual([]);
  expect(tryJudge(s4, [given])).toHaveLength(1);
  const person = madeHost({ spec: { consumerRef: { kind: "Human", name: "x", namespace: "a" } } });
  expect(tryJudge(s4, [machine, stored(1, person, { before: free, ...farrier })])).toHaveLength(1);
});

test("Farrier gives away no host that is held, and none that the machine does not want", () => {
  const given = (before: KubernetesObject, hostSelector = {}) => {
    const wants = { ...madeMetal3Machine("x"), spec: { hostSelector } };
    return tryJudge(s4, [stored(0, wants), stored(1, usedBy("x"), { before, ...farrier })]);
  };
  const held = "Farrier gave away a host that is held: nobody → a/x";
  const annotations = { "baremetalhost.metal3.io/paused": "" };
  expect(given(madeHost({ annotations }))).toEqual([held]);
  expect(given(madeHost({ deleted: true }))).toEqual([held]);
  expect(given(madeHost({ spec: { externallyProvisioned: true } }))).toEqual([held]);
  const hostSelector = { matchLabels: { rack: "1" } };
  const labelled = { ...free, metadata: { ...free.metadata, labels: { rack: "1" } } };
  expect(given(free, hostSelector)).toHaveLength(1);
  expect(given(labelled, hostSelector)).toEqual([]);
});

describe("a host that Farrier takes back", () => {
  const released = (state: string, spec = {}) => {
    const after = madeHost({ spec, status: { provisioning: { state } } });
    return stored(1, after, { before: usedBy("x"), ...farrier });
  };
  const shows = (at: number, state: string) =>
    stored(at, madeHost({ status: { provisioning: { state } } }), { ...farrier, verb: "status" });
  const erased = (at: number): Made => ({
    at,
    kind: "disk",
    machine: "m1",
    boot: 1,
    disk: "m1-d1",
    change: "zero",
    offset: 0,
    length: 1,
  });
  const machines = new Map([["m1", madeMachine()]]);
  const judged = (...events: readonly Made[]) =>
    tryJudge(s4, [machine, ...events], { truth: { machines } });

  test("is its machine's, and has no image and no user data any more", () => {
    expect(judged(released("available"))).toEqual([]);
    expect(judged(released("available", { image: { url: "i" } }))).toHaveLength(1);
    expect(judged(released("available", { userData: { name: "x-data" } }))).toHaveLength(1);
    expect(tryJudge(s4, [released("available")])).toHaveLength(1);
  });

  test("may be shown in use a while longer, and nothing more is done to its disks", () => {
    expect(judged(released("deprovisioning"), shows(2, "available"), erased(3))).toEqual([]);
    expect(judged(released("deprovisioning"), erased(2))).toHaveLength(1);
  });

  test("is the next machine's as soon as that has it", () => {
    const next = stored(2, usedBy("y"), { before: free, by: "claimer" });
    expect(judged(released("deprovisioning"), next, erased(3))).toEqual([]);
  });
});

test("a consumer that goes, and another that comes, are none, nor is a host that goes", () => {
  const events = [
    stored(1, usedBy("x"), { before: free, by: "claimer" }),
    stored(2, usedBy("x"), { before: usedBy("x"), by: "farrier" }),
    stored(3, free, { before: usedBy("x"), by: "claimer" }),
    stored(4, usedBy("y"), { before: free, by: "claimer" }),
    stored(5, free, { before: usedBy("y"), by: "farrier", verb: "gone" }),
  ];
  expect(tryJudge(s4, events)).toEqual([]);
});

test("Farrier gives a host to a Machine of OpenShift that wants such a one", () => {
  const hostSelector = { matchLabels: { rack: "1" } };
  const wants = madeOpenShiftMachine("x", { spec: { providerSpec: { value: { hostSelector } } } });
  const given = (labels: Record<string, string>, apiVersion?: string) => {
    const before = { ...free, metadata: { ...free.metadata, labels } };
    const consumerRef = { apiVersion, kind: "Machine", name: "x", namespace: "a" };
    const after = { ...before, spec: { ...before.spec, consumerRef } };
    return tryJudge(s4, [stored(0, wants), stored(1, after, { before, ...farrier })]);
  };
  expect(given({ rack: "1" }, wants.apiVersion)).toEqual([]);
  expect(given({ rack: "2" }, wants.apiVersion)).toHaveLength(1);
  expect(given({ rack: "1" }, "cluster.x-k8s.io/v1beta1")).toEqual([
    "Farrier gave the host to what is no machine: nobody → a/x",
  ]);
});

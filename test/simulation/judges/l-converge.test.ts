import { expect, test } from "vitest";
import { l20 } from "./l-converge.ts";
import {
  madeHost,
  madeMetal3Machine,
  madeMachineSet,
  madeOpenShiftMachine,
  stored,
  tryJudge,
} from "./try-judge.ts";
import type { KubernetesObject } from "../world/events.ts";

const available = { provisioning: { state: "available" }, poweredOn: true };
const image = { url: "i" };
const deployed = { provisioning: { state: "provisioned", image }, poweredOn: true };
const consumerRef = { kind: "Metal3Machine", name: "x", namespace: "a" };

const waiting = (...objects: readonly KubernetesObject[]) =>
  tryJudge(
    l20,
    objects.map((object) => stored(1, object)),
  ).length;

test("a host that is as its spec asks, or says why not, keeps the promise; another breaks it", () => {
  expect(waiting(madeHost({ status: available }))).toBe(0);
  expect(waiting(madeHost({ status: { errorMessage: "no answer" } }))).toBe(0);
  expect(waiting(madeHost({ status: { provisioning: { state: "inspecting" } } }))).toBe(1);
});

test("a machine without a host breaks it only while it could have one", () => {
  const machine = madeMetal3Machine("x");
  expect(waiting(machine)).toBe(0);
  expect(waiting(machine, madeHost({ status: available }))).toBe(1);
  const paused = { "baremetalhost.metal3.io/paused": "" };
  expect(waiting(machine, madeHost({ status: available, annotations: paused }))).toBe(0);
  const hostSelector = { matchLabels: { rack: "1" } };
  expect(waiting({ ...machine, spec: { hostSelector } }, madeHost({ status: available }))).toBe(0);
  const metadata = { ...machine.metadata, ownerReferences: [{ kind: "MachineSet", name: "s" }] };
  const left = { ...machine, metadata };
  expect(waiting(left, madeHost({ status: available }))).toBe(1);
  const condition = { type: "AssociateBareMetalHost", status: "False", message: "no Machine" };
  const told = { ...left, status: { conditions: [condition] } };
  expect(waiting(told, madeHost({ status: available }))).toBe(0);
});

test("a machine that was deployed and lost its host is to say so", () => {
  const lost = { ...madeMetal3Machine("x"), spec: { providerID: "metal3://a/h/x" } };
  expect(waiting(lost)).toBe(1);
  const condition = { type: "AssociateBareMetalHost", status: "False", message: "it is gone" };
  const free = madeHost({ status: available });
  expect(waiting({ ...lost, status: { conditions: [condition] } }, free)).toBe(0);
});

test("a machine with a host is to be provisioned with it, and to leave it when it is deleted", () => {
  const host = madeHost({ spec: { consumerRef, image }, status: deployed });
  const status = { initialization: { provisioned: true } };
  expect(waiting({ ...madeMetal3Machine("x"), status }, host)).toBe(0);
  expect(waiting(madeMetal3Machine("x"), host)).toBe(1);
  expect(waiting({ ...madeMetal3Machine("x", true), status }, host)).toBe(1);
  expect(waiting(madeMetal3Machine("x", true))).toBe(1);
});

test("a host that was inspected is to have its HardwareData beside it", () => {
  const host = madeHost({ status: { ...available, hardware: {} } });
  const { name, namespace } = host.metadata;
  const metadata = { name, namespace: String(namespace), uid: "d", resourceVersion: "1" };
  expect(waiting(host)).toBe(1);
  expect(waiting(host, { kind: "HardwareData", metadata })).toBe(0);
  expect(waiting(host, { kind: "HardwareData", metadata: { ...metadata, name: "other" } })).toBe(1);
  const failed = { ...host, status: { ...host.status, errorMessage: "no answer" } };
  expect(waiting(failed)).toBe(0);
});

test("a MachineSet of OpenShift is to have as many Machines as it wants, and to say so", () => {
  const one = madeOpenShiftMachine("x");
  expect(waiting(madeMachineSet(1), one)).toBe(0);
  expect(waiting(madeMachineSet(2), one)).toBe(1);
  expect(waiting(madeMachineSet(0), one)).toBe(1);
  expect(waiting(madeMachineSet(1, { replicas: 0 }), one)).toBe(1);
  // Its MachineSet is gone.
  expect(waiting(one)).toBe(1);
});

test("a Machine of OpenShift is to have its host, to leave it, and to take its Node with it", () => {
  const set = madeMachineSet(1);
  const wants = madeOpenShiftMachine("x");
  const own = { apiVersion: set.apiVersion, kind: "Machine", name: "x", namespace: "a" };
  const host = madeHost({ spec: { consumerRef: own, image }, status: deployed });
  expect(waiting(set, wants, madeHost({ status: available }))).toBe(1);
  expect(waiting(set, wants, host)).toBe(1);
  const provided = madeOpenShiftMachine("x", { spec: { providerID: "1" } });
  expect(waiting(set, provided, host)).toBe(0);
  const annotations = { "machine.openshift.io/machine": "a/x" };
  const metadata = { name: "n", uid: "n", resourceVersion: "1", annotations };
  expect(waiting(set, provided, host, { kind: "Node", metadata })).toBe(0);
  expect(waiting({ kind: "Node", metadata })).toBe(1);
});

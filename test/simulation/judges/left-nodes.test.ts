import { expect, test } from "vitest";
import { s22 } from "./s22-orderly-deletion.ts";
import { madeHost, madeMachine, madeOpenShiftMachine, stored, tryJudge } from "./try-judge.ts";
import type { KubernetesObject } from "../world/events.ts";

const providerID = "baremetalhost:///a/h/u";
const machine = (deleted: boolean, spec: object = {}) =>
  madeOpenShiftMachine("x", { deleted, spec: { providerID, ...spec } });

function madeNode(own: string | undefined, spec: object = { unschedulable: true }) {
  const annotations = own === undefined ? {} : { "machine.openshift.io/machine": own };
  const metadata = { name: "m1", uid: "n", resourceVersion: "1", annotations };
  return { kind: "Node", metadata, spec: { ...spec } } satisfies KubernetesObject;
}

function deleted(node: KubernetesObject, ...objects: readonly KubernetesObject[]) {
  const there = [...objects, node].map((object) => stored(0, object));
  const machines = new Map([["m1", madeMachine()]]);
  const gone = stored(1, node, { verb: "gone", by: "farrier" });
  return tryJudge(s22, [...there, gone], { truth: { machines } });
}

test("Farrier deletes the drained Node of a Machine that is being deleted", () => {
  expect(deleted(madeNode("a/x"), machine(true))).toEqual([]);
  expect(deleted(madeNode("a/x"), machine(false))).toEqual([
    "Farrier deleted Node m1 of a/x, which stays",
  ]);
  expect(deleted(madeNode("a/x", {}), machine(true))).toEqual([
    "Farrier deleted Node m1 before it was drained",
  ]);
  expect(deleted(madeNode("a/y"), machine(true))).toHaveLength(1);
  const pod = {
    kind: "Pod",
    metadata: { name: "p", namespace: "a", uid: "p", resourceVersion: "1" },
    spec: { nodeName: "m1" },
  };
  expect(deleted(madeNode("a/x"), machine(true), pod)).toHaveLength(1);
});

test("a pod that comes to a Node which takes none any more keeps nothing", () => {
  const node = madeNode("a/x");
  const pod = {
    kind: "Pod",
    metadata: { name: "p", namespace: "a", uid: "p", resourceVersion: "1" },
    spec: { nodeName: "m1" },
  };
  const events = [stored(0, machine(true)), stored(0, node), stored(1, pod, { verb: "create" })];
  const gone = stored(2, node, { verb: "gone", by: "farrier" });
  const truth = { machines: new Map([["m1", madeMachine()]]) };
  expect(tryJudge(s22, [...events, gone], { truth })).toEqual([]);
});

test("Farrier waits for hooks, and drains no Node that is excluded from that", () => {
  const lifecycleHooks = { preTerminate: [{ name: "backup", owner: "somebody" }] };
  expect(deleted(madeNode("a/x"), machine(true, { lifecycleHooks }))).toHaveLength(1);
  const { metadata, ...rest } = machine(true);
  const annotations = { "machine.openshift.io/exclude-node-draining": "" };
  expect(deleted(madeNode("a/x", {}), { ...rest, metadata: { ...metadata, annotations } })).toEqual(
    [],
  );
});

test("a Node that was never linked goes with the Machine of its host", () => {
  expect(deleted(madeNode(undefined, {}), machine(true), madeHost())).toEqual([]);
  expect(deleted(madeNode(undefined, {}), machine(false), madeHost())).toHaveLength(1);
});

test("Nodes of clusters without OpenShift's Machines, and what others delete, are not judged", () => {
  expect(deleted(madeNode(undefined, {}))).toEqual([]);
  const node = madeNode("a/x", {});
  const events = [stored(0, machine(false)), stored(1, node, { verb: "gone", by: "kubectl" })];
  expect(tryJudge(s22, events)).toEqual([]);
});

test("a Node that joins when its host is being emptied is not known in time to be drained", () => {
  const own = { apiVersion: machine(true).apiVersion, kind: "Machine", name: "x", namespace: "a" };
  const used = madeHost({ spec: { consumerRef: own, image: { url: "i" } } });
  const emptied = madeHost({ spec: { consumerRef: own } });
  const node = madeNode("a/x", {});
  const judged = (linkedAt: number) =>
    tryJudge(s22, [
      stored(0, machine(true)),
      stored(linkedAt, node),
      stored(100, emptied, { before: used, by: "farrier" }),
      stored(101, node, { verb: "gone", by: "farrier" }),
    ]);
  expect(judged(99)).toEqual([]);
  expect(judged(1)).toEqual(["Farrier deleted Node m1 before it was drained"]);
});

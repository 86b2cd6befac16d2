import { beforeEach, expect, test } from "vitest";
import { FakeKubernetes } from "../../../test/support/fake-kubernetes.ts";
import type { NodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import { ok } from "../../../shared/result.ts";
import { leaveNode } from "./leave-node.ts";

const node = "/api/v1/nodes/n1";
const pods = "/api/v1/namespaces/apps/pods";
const machine = "/apis/machine.openshift.io/v1beta1/namespaces/metal/machines/worker-1";
const providerID = "baremetalhost:///metal/h1/uid-h1";
const controller = { controller: true, name: "x", uid: "x", apiVersion: "apps/v1" };

let kubernetes: FakeKubernetes;
let facts: NodeFact[];
beforeEach(() => {
  facts = [];
  kubernetes = new FakeKubernetes();
  kubernetes.put(machine, { metadata: { name: "worker-1", namespace: "metal", uid: "m-1" } });
  putNode("True");
});

function putNode(ready: "True" | "Unknown", uid = "n-1"): void {
  const lastTransitionTime = "2026-11-01T12:00:00Z";
  kubernetes.put(node, {
    metadata: { name: "n1", uid },
    spec: { providerID },
    status: { conditions: [{ type: "Ready", status: ready, lastTransitionTime }] },
  });
}

function putPod(name: string, metadata: object = {}, status: object = { phase: "Running" }): void {
  kubernetes.put(`${pods}/${name}`, {
    metadata: { name, namespace: "apps", uid: name, ...metadata },
    status,
  });
}

const leave = (act: "drain" | "delete", over: object = {}) =>
  leaveNode(
    {
      api: kubernetes,
      hub: {
        postNodes: async ({ facts: told }) => {
          facts.push(...told);
          return ok(undefined);
        },
      },
    },
    {
      kind: "leave-node",
      resource: "machines.machine.openshift.io",
      namespace: "metal",
      name: "worker-1",
      uid: "m-1",
      nodeName: "n1",
      nodeUid: "n-1",
      act,
      ...over,
    },
  );
const evicted = () =>
  kubernetes.requests.flatMap(({ path }) => /pods\/([^/]+)\/eviction/.exec(path)?.[1] ?? []);
const linked = { machineUid: "m-1", outcome: "linked", nodeName: "n1", nodeUid: "n-1", providerID };

test("leaveNode lets no new pods come, and asks those to go that have to", async () => {
  putPod("web");
  putPod("ended", {}, { phase: "Succeeded" });
  putPod("mirror", { annotations: { "kubernetes.io/config.mirror": "x" } });
  putPod("daemon", { ownerReferences: [{ ...controller, kind: "DaemonSet" }] });
  putPod("going", { deletionTimestamp: "2026-11-01T12:00:00Z" });
  expect(await leave("drain")).toEqual({ ok: true });
  expect(kubernetes.objects.get(node)).toMatchObject({ spec: { unschedulable: true, providerID } });
  expect(evicted()).toEqual(["web", "ended"]);
  expect(facts).toMatchObject([{ ...linked, podsLeft: 3 }]);
  expect(facts[0]?.message).toContain("pod apps/web is ending");
  const { body } = kubernetes.requests.find(({ path }) => path.includes("eviction")) ?? {};
  expect(body).toMatchObject({
    kind: "Eviction",
    deleteOptions: { preconditions: { uid: "web" } },
  });
});

test.each([
  [429, "pod apps/web is kept by its disruption budget"],
  [500, "pod apps/web cannot be evicted: refused"],
])("leaveNode tells what keeps a pod (%i)", async (status, message) => {
  putPod("web");
  kubernetes.refuse = ({ path }) => (path.includes("eviction") ? status : undefined);
  expect(await leave("drain")).toEqual({ ok: true });
  expect(facts).toMatchObject([{ podsLeft: 1, message }]);
});

test("leaveNode is done with a drain when no pod is left", async () => {
  putPod("web");
  kubernetes.refuse = ({ path }) => (path.includes("eviction") ? 404 : undefined);
  await leave("drain");
  expect(facts).toMatchObject([{ ...linked, podsLeft: 0 }]);
});

test("leaveNode does not wait for pods that end on a Node which nobody hears of", async () => {
  putNode("Unknown");
  putPod("going", { deletionTimestamp: "2026-11-01T12:00:00Z" });
  await leave("drain");
  expect(facts).toMatchObject([{ podsLeft: 0 }]);
});

test("leaveNode says so where it may not list pods", async () => {
  kubernetes.refuse = ({ path }) => (path.startsWith("/api/v1/pods") ? 403 : undefined);
  expect(await leave("drain")).toEqual({ ok: true });
  expect(facts).toMatchObject([{ podsLeft: 1 }]);
  expect(facts[0]?.message).toContain("RBAC");
});

test("leaveNode deletes the Node", async () => {
  expect(await leave("delete")).toEqual({ ok: true });
  expect(kubernetes.objects.has(node)).toBe(false);
  expect(facts).toMatchObject([{ machineUid: "m-1", outcome: "missing" }]);
  // Again: it is gone.
  expect(await leave("delete")).toEqual({ ok: true });
  expect(facts).toHaveLength(2);
});

test.each(["drain", "delete"] as const)(
  "leaveNode leaves another Node of the same name alone (%s)",
  async (act) => {
    putNode("True", "n-2");
    putPod("web");
    const before = JSON.stringify([...kubernetes.objects]);
    expect(await leave(act)).toEqual({ ok: true });
    expect(JSON.stringify([...kubernetes.objects])).toBe(before);
    expect(facts).toMatchObject([{ outcome: "missing" }]);
  },
);

test("leaveNode does nothing for a machine that is gone", async () => {
  expect(await leave("delete", { uid: "m-2" })).toEqual({ ok: true });
  expect(kubernetes.objects.has(node)).toBe(true);
  expect(facts).toEqual([]);
});

test("leaveNode is to be tried again when the API server does not answer", async () => {
  kubernetes.refuse = () => "unreachable";
  expect(await leave("drain")).toMatchObject({ ok: false, retry: true });
});

// What is deleted for a remediation, Node or Machine, is deleted only while all that it was decided from is still so.
import { beforeEach, expect, test } from "vitest";
import { makeVirtualClock } from "../../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { NodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import { ok } from "../../../shared/result.ts";
import { FakeKubernetes } from "../../../test/support/fake-kubernetes.ts";
import type { LinkNodeDeps } from "../nodes/link-node.ts";
import { makeWorkloadClusters } from "../nodes/workload-clusters.ts";
import { writeNode } from "../nodes/write-node.ts";

const node = "/api/v1/nodes/n1";
const machine = "/apis/machine.openshift.io/v1beta1/namespaces/metal/machines/worker-1";
const host = "/apis/metal3.io/v1alpha1/namespaces/metal/baremetalhosts/h1";
const wanted = { "host.metal3.io/external-remediation": "" };
const hold = { "reboot.metal3.io/capbm-requested-power-off": '{"mode":"hard"}' };
const waitedUntil = "2026-11-01T12:20:00Z";
const waited = {
  ...wanted,
  "remediation.metal3.io/powered-off-for-remediation": "",
  "remediation.metal3.io/power-on-will-timeout-at": waitedUntil,
};
const kept = {
  "remediation.metal3.io/node-labels-backup": '{"rack":"7","zone":"a"}',
  "remediation.metal3.io/node-annotations-backup": '{"config":"done"}',
};
const providerID = "baremetalhost:///metal/h1/uid-h1";
const consumerRef = {
  apiVersion: "machine.openshift.io/v1beta1",
  kind: "Machine",
  name: "worker-1",
  namespace: "metal",
};
const target = {
  resource: "machines.machine.openshift.io",
  namespace: "metal",
  name: "worker-1",
  uid: "m-1",
} as const;

let kubernetes: FakeKubernetes;
let facts: NodeFact[];
let deps: LinkNodeDeps;
beforeEach(() => {
  facts = [];
  kubernetes = new FakeKubernetes();
  const hub: LinkNodeDeps["hub"] = {
    postNodes: async (told) => {
      facts.push(...told.facts);
      return ok(undefined);
    },
  };
  const connectCluster = () => kubernetes;
  const clock = makeVirtualClock();
  const clusters = makeWorkloadClusters({ api: kubernetes, connectCluster, clock });
  deps = { api: kubernetes, hub, clusters };
});

function putMachine(annotations: object, metadata: object = {}): void {
  const ownerReferences = [{ kind: "MachineSet", name: "workers", uid: "s", controller: true }];
  const { name, namespace, uid } = target;
  const all = {
    name,
    namespace,
    uid,
    annotations,
    ownerReferences,
    finalizers: ["x"],
    ...metadata,
  };
  kubernetes.put(machine, { metadata: all });
}

interface HostChoice {
  readonly annotations?: object;
  readonly spec?: object;
  readonly poweredOn?: boolean;
  readonly uid?: string;
}

function putHost({ annotations = hold, spec, poweredOn = false, uid = "uid-h1" }: HostChoice = {}) {
  kubernetes.put(host, {
    metadata: { name: "h1", namespace: "metal", uid, annotations },
    spec: { consumerRef, ...spec },
    status: { poweredOn },
  });
}

function putNode(metadata: object = {}, spec: object = { providerID }): void {
  const labels = { rack: "7", zone: "a" };
  const all = { name: "n1", uid: "n-1", labels, annotations: { config: "done" }, ...metadata };
  kubernetes.put(node, { metadata: all, spec });
}

const annotationsOf = (path: string) => kubernetes.objects.get(path)?.metadata["annotations"];
const replace: WriteBack & { kind: "replace-node" } = {
  kind: "replace-node",
  ...target,
  nodeName: "n1",
  nodeUid: "n-1",
  host: { name: "h1", uid: "uid-h1" },
};

test("replace-node keeps what the Node has in the Machine, deletes the Node, and tells", async () => {
  putMachine({ ...wanted, other: "stays" });
  putHost();
  putNode();
  expect(await writeNode(deps, replace)).toEqual({ ok: true });
  expect(annotationsOf(machine)).toEqual({ ...wanted, other: "stays", ...kept });
  expect(kubernetes.objects.has(node)).toBe(false);
  const changes = kubernetes.requests.filter(({ method }) => method !== "GET");
  expect(changes.map(({ method }) => method)).toEqual(["PATCH", "DELETE"]);
  expect(facts).toMatchObject([{ machineUid: "m-1", outcome: "missing" }]);
  // Again: it is gone.
  expect(await writeNode(deps, replace)).toEqual({ ok: true });
  expect(facts).toHaveLength(2);
});

test.each<[string, () => void]>([
  ["the Machine is not to be remediated any more", () => putMachine({})],
  ["the host is on", () => putHost({ poweredOn: true })],
  ["the host is not held off", () => putHost({ annotations: {} })],
  [
    "the host is another's",
    () => putHost({ spec: { consumerRef: { ...consumerRef, name: "x" } } }),
  ],
  ["the host is another of its name", () => putHost({ uid: "later" })],
  ["the host is gone", () => kubernetes.objects.delete(host)],
  ["the Machine is another of its name", () => putMachine(wanted, { uid: "later" })],
])("replace-node leaves the Node alone when %s", async (_what, change) => {
  putMachine(wanted);
  putHost();
  putNode();
  change();
  const before = JSON.stringify([...kubernetes.objects]);
  expect(await writeNode(deps, replace)).toEqual({ ok: true });
  expect(JSON.stringify([...kubernetes.objects])).toBe(before);
  expect(facts).toEqual([]);
});

test("replace-node leaves a Node that came later alone, and tells that the one it was for is gone", async () => {
  putMachine(wanted);
  putHost();
  putNode({ uid: "n-2" });
  expect(await writeNode(deps, replace)).toEqual({ ok: true });
  expect(kubernetes.objects.has(node)).toBe(true);
  expect(facts).toMatchObject([{ outcome: "missing" }]);
});

test("replace-node deletes no Node of which nothing can be kept, and says so", async () => {
  putMachine(wanted);
  putHost();
  putNode();
  kubernetes.refuse = ({ method }) => (method === "PATCH" ? 422 : undefined);
  expect(await writeNode(deps, replace)).toEqual({ ok: true });
  expect(kubernetes.objects.has(node)).toBe(true);
  expect(facts).toMatchObject([{ outcome: "problem", nodeName: "n1" }]);
  kubernetes.refuse = ({ method }) => (method === "PATCH" ? 409 : undefined);
  expect(await writeNode(deps, replace)).toMatchObject({ ok: false, retry: true });
  expect(kubernetes.objects.has(node)).toBe(true);
});

const link: WriteBack & { kind: "link-node" } = {
  kind: "link-node",
  ...target,
  providerID,
  hostUid: "uid-h1",
  hostnames: ["n1"],
  mayWrite: true,
  restores: true,
};

test("link-node gives a new Node what it lacks of the one before, and tells when it has it", async () => {
  putMachine({ ...waited, ...kept });
  putNode({ uid: "n-2", labels: { zone: "b" }, annotations: {} }, {});
  const { restores: _none, ...plain } = link;
  await writeNode(deps, plain);
  expect(facts[0]).not.toHaveProperty("restored");
  expect(annotationsOf(node)).toEqual({});
  await writeNode(deps, link);
  expect(kubernetes.objects.get(node)).toMatchObject({
    metadata: { labels: { rack: "7", zone: "b" }, annotations: { config: "done" } },
  });
  expect(facts[1]).toMatchObject({ outcome: "linked", nodeUid: "n-2", restored: true });
});

test("link-node does not say that a Node has what could not be written to it", async () => {
  putMachine({ ...waited, ...kept });
  putNode({ uid: "n-2", labels: { "metal3.io/uuid": "uid-h1" }, annotations: {} });
  kubernetes.refuse = ({ method }) => (method === "PATCH" ? 422 : undefined);
  await writeNode(deps, link);
  expect(facts).toMatchObject([{ outcome: "linked", nodeUid: "n-2" }]);
  expect(facts[0]).not.toHaveProperty("restored");
});

test("link-node counts what nobody can read as nothing", async () => {
  putMachine({ ...waited, "remediation.metal3.io/node-labels-backup": '{"a":1,' });
  putNode();
  await writeNode(deps, link);
  expect(facts).toMatchObject([{ outcome: "linked", restored: true }]);
});

const give: WriteBack & { kind: "delete-machine" } = {
  kind: "delete-machine",
  ...target,
  host: { name: "h1", uid: "uid-h1" },
  waitedUntil,
  providerID,
  hostnames: ["n1"],
};
const isLeaving = () =>
  kubernetes.objects.get(machine)?.metadata["deletionTimestamp"] !== undefined;

test("delete-machine deletes a Machine that did not come back, as it was read", async () => {
  putMachine(waited);
  putHost();
  const { resourceVersion } = kubernetes.objects.get(machine)?.metadata ?? {};
  expect(await writeNode(deps, give)).toEqual({ ok: true });
  expect(isLeaving()).toBe(true);
  const { body } = kubernetes.requests.find(({ method }) => method === "DELETE") ?? {};
  expect(body).toMatchObject({ preconditions: { uid: "m-1", resourceVersion } });
});

const unwanted = Object.fromEntries(
  Object.entries(waited).filter(([key]) => key.startsWith("remediation")),
);
const role = { "machine.openshift.io/cluster-api-machine-role": "master" };
test.each<[string, () => void]>([
  ["it is not to be remediated any more", () => putMachine(unwanted)],
  ["it is remediated anew", () => putMachine(wanted)],
  ["it is waited for longer", () => putMachine({ ...waited, ...later("2026-11-01T13:00:00Z") })],
  ["it has no controller", () => putMachine(waited, { ownerReferences: [] })],
  ["it is a master", () => putMachine(waited, { labels: role })],
  ["it is being deleted", () => putMachine(waited, { deletionTimestamp: "2026-11-01T12:00:00Z" })],
  ["it is another of its name", () => putMachine(waited, { uid: "later" })],
  ["its host is paused", () => putHost({ annotations: { "baremetalhost.metal3.io/paused": "" } })],
  [
    "its host is detached",
    () => putHost({ annotations: { "baremetalhost.metal3.io/detached": "" } }),
  ],
  ["its host is externally provisioned", () => putHost({ spec: { externallyProvisioned: true } })],
  [
    "its host is another's",
    () => putHost({ spec: { consumerRef: { ...consumerRef, name: "x" } } }),
  ],
  ["its host is gone", () => kubernetes.objects.delete(host)],
  ["its Node is back", () => putNode()],
  ["its Node is back, and is not linked yet", () => putNode({}, {})],
])("delete-machine leaves the Machine alone when %s", async (_what, change) => {
  putMachine(waited);
  putHost();
  change();
  expect(await writeNode(deps, give)).toEqual({ ok: true });
  expect(kubernetes.requests.every(({ method }) => method === "GET")).toBe(true);
});

test("delete-machine deletes nothing while Nodes cannot be read, or when the Machine has changed", async () => {
  putMachine(waited);
  putHost();
  kubernetes.refuse = ({ path }) => (path.startsWith("/api/v1/nodes") ? 403 : undefined);
  expect(await writeNode(deps, give)).toMatchObject({ ok: false });
  kubernetes.refuse = ({ method }) => {
    if (method === "DELETE") putMachine({ ...waited, changed: "meanwhile" });
    return undefined;
  };
  expect(await writeNode(deps, give)).toMatchObject({ ok: false, isConflict: true });
  expect(isLeaving()).toBe(false);
});

function later(until: string): object {
  return { "remediation.metal3.io/power-on-will-timeout-at": until };
}

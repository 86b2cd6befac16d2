// A Node that was never linked goes with its machine; one that may be another machine's stays.
import { beforeEach, expect, test } from "vitest";
import { makeVirtualClock } from "../../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { NodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import { ok } from "../../../shared/result.ts";
import { FakeKubernetes } from "../../../test/support/fake-kubernetes.ts";
import { removeNode } from "./remove-node.ts";
import { makeWorkloadClusters, type WorkloadClusters } from "./workload-clusters.ts";

const machine = "/apis/machine.openshift.io/v1beta1/namespaces/metal/machines/worker-1";
const providerID = "baremetalhost:///metal/h1/uid-h1";
const systemUUID = "6fa59e1e-0000-4000-8000-000000000101";

let kubernetes: FakeKubernetes;
let facts: NodeFact[];
let clusters: WorkloadClusters;
beforeEach(() => {
  facts = [];
  kubernetes = new FakeKubernetes();
  const connectCluster = () => kubernetes;
  const clock = makeVirtualClock();
  clusters = makeWorkloadClusters({ api: kubernetes, connectCluster, clock });
  kubernetes.put(machine, { metadata: { name: "worker-1", namespace: "metal", uid: "m-1" } });
});

interface Choice {
  readonly uuid?: string;
  readonly hostUid?: string;
  readonly providerID?: string;
}

function putNode(name: string, { uuid = "", hostUid, providerID: id }: Choice): void {
  const labels = hostUid === undefined ? {} : { "metal3.io/uuid": hostUid };
  kubernetes.put(`/api/v1/nodes/${name}`, {
    metadata: { name, uid: `node-${name}`, labels },
    spec: id === undefined ? {} : { providerID: id },
    status: { nodeInfo: { systemUUID: uuid } },
  });
}

const remove = () =>
  removeNode(
    {
      api: kubernetes,
      hub: {
        postNodes: async (told) => {
          facts.push(...told.facts);
          return ok(undefined);
        },
      },
      clusters,
    },
    {
      kind: "remove-node",
      resource: "machines.machine.openshift.io",
      namespace: "metal",
      name: "worker-1",
      uid: "m-1",
      providerID,
      hostUid: "uid-h1",
      systemUuid: systemUUID,
    },
  );
const left = () =>
  [...kubernetes.objects.keys()].flatMap((path) => /nodes\/(.*)/.exec(path)?.[1] ?? []);

test.each([
  ["providerID", { providerID }],
  ["label", { hostUid: "uid-h1" }],
  ["system UUID", { uuid: systemUUID.toUpperCase() }],
])("removeNode deletes the Node that has the machine's %s, and tells", async (_sign, choice) => {
  putNode("own", choice);
  putNode("h1", { uuid: "6fa59e1e-0000-4000-8000-000000000102" });
  expect(await remove()).toEqual({ ok: true });
  expect(left()).toEqual(["h1"]);
  const message = "Node own is deleted";
  expect(facts).toEqual([{ machineUid: "m-1", outcome: "missing", removed: true, message }]);
  const deletion = kubernetes.requests.find(({ method }) => method === "DELETE");
  expect(deletion?.body).toMatchObject({ preconditions: { uid: "node-own" } });
});

test.each([
  ["has another providerID", { providerID: "baremetalhost:///metal/h1/older", uuid: systemUUID }],
  ["says to be on another host", { hostUid: "uid-h2", uuid: systemUUID }],
  ["has only a name like the host's", {}],
])("removeNode leaves a Node that %s", async (_words, choice) => {
  putNode("h1", choice);
  expect(await remove()).toEqual({ ok: true });
  expect(left()).toEqual(["h1"]);
  expect(facts).toMatchObject([{ outcome: "missing", removed: true }]);
});

test("removeNode leaves several that have the same sign, and names them", async () => {
  putNode("a", { uuid: systemUUID });
  putNode("b", { uuid: systemUUID });
  expect(await remove()).toEqual({ ok: true });
  expect(left()).toEqual(["a", "b"]);
  expect(facts).toMatchObject([{ outcome: "conflict", removed: true }]);
  expect(facts[0]?.message).toContain("Nodes a, b all have system UUID");
});

test("removeNode looks once for many machines, but for none before it was asked", async () => {
  await Promise.all(Array.from({ length: 20 }, remove));
  const lists = () => kubernetes.requests.filter(({ path }) => path.includes("nodes?limit")).length;
  expect(lists()).toBeLessThanOrEqual(3);
  putNode("late", { providerID });
  await remove();
  expect(left()).toEqual([]);
});

test("removeNode does nothing for a machine that is gone", async () => {
  putNode("own", { providerID });
  kubernetes.remove(machine);
  expect(await remove()).toEqual({ ok: true });
  expect(left()).toEqual(["own"]);
  expect(facts).toEqual([]);
});

test("removeNode tells what stands in its way, and goes on after an outage", async () => {
  putNode("own", { providerID });
  kubernetes.refuse = ({ method }) => (method === "DELETE" ? 403 : undefined);
  expect(await remove()).toEqual({ ok: true });
  expect(facts).toMatchObject([{ outcome: "problem", nodeName: "own" }]);
  expect(facts[0]).not.toHaveProperty("removed");
  kubernetes.refuse = ({ method }) => (method === "DELETE" ? 503 : undefined);
  expect(await remove()).toMatchObject({ ok: false, retry: true });
  kubernetes.refuse = () => undefined;
  expect(await remove()).toEqual({ ok: true });
  expect(left()).toEqual([]);
});

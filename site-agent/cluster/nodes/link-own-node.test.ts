// Linking a Node of the cluster that holds its machine, too, as OpenShift's are.
import { expect, test } from "vitest";
import { makeVirtualClock } from "../../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { NodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import { ok } from "../../../shared/result.ts";
import { FakeKubernetes } from "../../../test/support/fake-kubernetes.ts";
import { linkNode, type LinkNode } from "./link-node.ts";
import { makeWorkloadClusters } from "./workload-clusters.ts";

const providerID = "baremetalhost:///metal/h1/uid-h1";
const write: LinkNode = {
  kind: "link-node",
  resource: "machines.machine.openshift.io",
  namespace: "metal",
  name: "worker-1",
  uid: "m-1",
  providerID,
  hostUid: "uid-h1",
  hostnames: ["h1"],
  addresses: ["192.0.2.7"],
  mayWrite: true,
};
const machine = "/apis/machine.openshift.io/v1beta1/namespaces/metal/machines/worker-1";

function makeWorld() {
  const kubernetes = new FakeKubernetes();
  kubernetes.put(machine, { metadata: { name: "worker-1", namespace: "metal", uid: "m-1" } });
  const facts: NodeFact[] = [];
  const connectCluster = () => {
    throw new Error("no other cluster is asked");
  };
  const clusters = makeWorkloadClusters({
    api: kubernetes,
    connectCluster,
    clock: makeVirtualClock(),
  });
  const hub = {
    postNodes: async (told: { readonly facts: readonly NodeFact[] }) => {
      facts.push(...told.facts);
      return ok(undefined);
    },
  };
  const link = () => linkNode({ api: kubernetes, hub, clusters }, write);
  const putNode = (ready: string) =>
    kubernetes.put("/api/v1/nodes/n1", {
      metadata: { name: "n1", uid: "n-1" },
      status: {
        addresses: [{ type: "InternalIP", address: "192.0.2.7" }],
        conditions: [{ type: "Ready", status: ready, lastTransitionTime: "2026-11-01T12:00:00Z" }],
      },
    });
  return { kubernetes, facts, link, putNode };
}

test("linkNode links a Node of the machine's own cluster by its address, and tells how it is", async () => {
  const { kubernetes, facts, link, putNode } = makeWorld();
  putNode("True");
  expect(await link()).toEqual({ ok: true });
  expect(kubernetes.objects.get("/api/v1/nodes/n1")).toMatchObject({
    metadata: { labels: { "metal3.io/uuid": "uid-h1" } },
    spec: { providerID },
  });
  const linked = {
    machineUid: "m-1",
    outcome: "linked",
    nodeName: "n1",
    nodeUid: "n-1",
    providerID,
  };
  expect(facts).toEqual([{ ...linked, readySince: "2026-11-01T12:00:00Z" }]);
});

test("linkNode tells of a Node that is not Ready without a time", async () => {
  const { facts, link, putNode } = makeWorld();
  putNode("Unknown");
  await link();
  expect(facts[0]).toMatchObject({ outcome: "linked", nodeUid: "n-1" });
  expect(facts[0]).not.toHaveProperty("readySince");
});

test.each(["unreachable", 503] as const)(
  "linkNode tells nothing, and is tried again, when its own cluster does not answer (%s)",
  async (answer) => {
    const { kubernetes, facts, link } = makeWorld();
    kubernetes.refuse = ({ path }) => (path.startsWith("/api/v1/nodes") ? answer : undefined);
    expect(await link()).toMatchObject({ ok: false, retry: true });
    expect(facts).toEqual([]);
  },
);

test("linkNode says so where it may not read Nodes", async () => {
  const { kubernetes, facts, link } = makeWorld();
  kubernetes.refuse = ({ path }) => (path.startsWith("/api/v1/nodes") ? 403 : undefined);
  expect(await link()).toEqual({ ok: true });
  expect(facts).toMatchObject([{ outcome: "problem" }]);
  expect(facts[0]?.message).toContain("403");
});

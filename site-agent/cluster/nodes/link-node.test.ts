// Linking a Node on Kubernetes in memory: what is found is told, only what is empty is written, and a workload cluster
// that does not answer holds up nobody.
import { beforeEach, describe, expect, test } from "vitest";
import { makeVirtualClock } from "../../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { NodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import { err, ok } from "../../../shared/result.ts";
import { FakeKubernetes } from "../../../test/support/fake-kubernetes.ts";
import type { ClusterAccess } from "../port.ts";
import { linkNode, type LinkNode } from "./link-node.ts";
import { makeWorkloadClusters, type WorkloadClusters } from "./workload-clusters.ts";

const machines = "/apis/infrastructure.cluster.x-k8s.io/v1beta2/namespaces/horses/metal3machines";
const providerID = "metal3://horses/m1/w1";
const write: LinkNode = {
  kind: "link-node",
  namespace: "horses",
  name: "w1",
  uid: "w-1",
  clusterName: "stable",
  providerID,
  hostUid: "host-1",
  systemUuid: "4c4c4544-0042-3510-8052-b4c04f384e32",
  hostnames: ["worker-1"],
  mayWrite: true,
};

let management: FakeKubernetes;
let workload: FakeKubernetes;
let clock: ReturnType<typeof makeVirtualClock>;
let clusters: WorkloadClusters;
let connected: ClusterAccess[];
let facts: NodeFact[];
let hubAnswers: boolean;

beforeEach(() => {
  management = new FakeKubernetes();
  workload = new FakeKubernetes();
  clock = makeVirtualClock();
  connected = [];
  facts = [];
  hubAnswers = true;
  clusters = makeWorkloadClusters({
    api: management,
    clock,
    connectCluster: (access) => {
      connected.push(access);
      return workload;
    },
  });
  management.put(`${machines}/w1`, { metadata: { name: "w1", namespace: "horses", uid: "w-1" } });
  putKubeconfig("stable");
});

const secretPath = (cluster: string) => `/api/v1/namespaces/horses/secrets/${cluster}-kubeconfig`;
function putKubeconfig(cluster: string, user: object = { token: "t0ken" }): void {
  const kubeconfig = {
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "s", user: "u" } }],
    clusters: [{ name: "s", cluster: { server: `https://${cluster}.example:6443` } }],
    users: [{ name: "u", user }],
  };
  management.put(secretPath(cluster), {
    metadata: { name: `${cluster}-kubeconfig`, namespace: "horses" },
    data: { value: btoa(JSON.stringify(kubeconfig)) },
  });
}

const nodePath = (name: string) => `/api/v1/nodes/${name}`;
const putNode = (name: string, spec: object = {}, labels: object = {}) =>
  workload.put(nodePath(name), { metadata: { name, labels }, spec });
const node = (name: string) => workload.objects.get(nodePath(name));
const changes = () => workload.requests.filter(({ method }) => method !== "GET");
const lists = () => workload.requests.filter(({ path }) => path.includes("limit=")).length;

const hub = {
  async postNodes(body: { facts: NodeFact[] }) {
    if (!hubAnswers) return err("unreachable", "the line is cut");
    facts.push(...body.facts);
    return ok(undefined);
  },
};
const link = (over: Partial<LinkNode> = {}) =>
  linkNode({ api: management, hub, clusters }, { ...write, ...over });

describe("a Node", () => {
  test("that has nothing yet gets providerID and label, once, and is linked", async () => {
    putNode("worker-1", { podCIDR: "10.0.0.0/24" }, { keep: "me" });
    expect(await link()).toEqual({ ok: true });
    expect(node("worker-1")).toMatchObject({
      metadata: { labels: { keep: "me", "metal3.io/uuid": "host-1" } },
      spec: { podCIDR: "10.0.0.0/24", providerID },
    });
    const fact = { machineUid: "w-1", outcome: "linked", nodeName: "worker-1", providerID };
    expect(facts).toEqual([fact]);
    await link();
    expect(facts).toEqual([fact, fact]);
    expect(changes()).toHaveLength(1);
    expect(connected).toMatchObject([{ server: "https://stable.example:6443", token: "t0ken" }]);
  });

  test("that is not there is missing, and by which signs is said", async () => {
    putNode("stranger", { providerID: "metal3://horses/m2/w2" });
    expect(await link()).toEqual({ ok: true });
    expect(facts).toMatchObject([{ outcome: "missing" }]);
    for (const sign of [providerID, "metal3.io/uuid=host-1", write.systemUuid, "worker-1"])
      expect(facts[0]?.message).toContain(sign);
    expect(changes()).toEqual([]);
  });

  test("with another providerID is a conflict, and stays as it is", async () => {
    putNode("worker-1", { providerID: "metal3://horses/m1/w0" }, { "metal3.io/uuid": "host-1" });
    expect(await link()).toEqual({ ok: true });
    expect(facts).toMatchObject([
      {
        outcome: "conflict",
        nodeName: "worker-1",
        providerID: "metal3://horses/m1/w0",
        message: expect.stringContaining("delete the Node"),
      },
    ]);
    expect(changes()).toEqual([]);
  });

  test("that two are is a conflict that names both", async () => {
    putNode("a", {}, { "metal3.io/uuid": "host-1" });
    putNode("b", {}, { "metal3.io/uuid": "host-1" });
    expect(await link()).toEqual({ ok: true });
    expect(facts).toMatchObject([
      { outcome: "conflict", message: expect.stringContaining("Nodes a, b of cluster") },
    ]);
    expect(changes()).toEqual([]);
  });

  test("of a cluster with a cloud provider is only looked at", async () => {
    putNode("worker-1");
    await link({ mayWrite: false });
    expect(facts).toMatchObject([{ outcome: "missing", nodeName: "worker-1" }]);
    putNode("worker-1", { providerID: "cloud://7" });
    await clock.advance(2_000);
    await link({ mayWrite: false });
    expect(facts[1]).toMatchObject({
      outcome: "linked",
      nodeName: "worker-1",
      providerID: "cloud://7",
    });
    expect(changes()).toEqual([]);
  });

  test("that changes at that moment is looked at again, and not written over", async () => {
    putNode("worker-1");
    let races = 1;
    workload.refuse = ({ method }) => {
      if (method === "PATCH" && races-- > 0)
        putNode("worker-1", { providerID: "metal3://horses/m2/w2" });
      return undefined;
    };
    expect(await link()).toEqual({ ok: true });
    expect(facts).toMatchObject([{ outcome: "conflict", providerID: "metal3://horses/m2/w2" }]);
    expect(node("worker-1")?.["spec"]).toEqual({ providerID: "metal3://horses/m2/w2" });
  });

  test("that may not be written is a problem; one that only lacks the label is linked", async () => {
    putNode("worker-1");
    workload.refuse = ({ method }) => (method === "PATCH" ? 403 : undefined);
    await link();
    expect(facts).toMatchObject([{ outcome: "problem", message: expect.stringContaining("403") }]);
    putNode("worker-1", { providerID });
    await clock.advance(2_000);
    await link();
    expect(facts[1]).toMatchObject({ outcome: "linked", providerID });
  });

  test("of a machine that is gone or replaced is left alone", async () => {
    putNode("worker-1");
    expect(await link({ uid: "w-0" })).toEqual({ ok: true });
    management.remove(`${machines}/w1`);
    expect(await link()).toEqual({ ok: true });
    expect(facts).toEqual([]);
    expect(workload.requests).toEqual([]);
  });
});

describe("a kubeconfig", () => {
  test("that is missing, or without its key, is a problem that names the Secret", async () => {
    management.remove(secretPath("stable"));
    expect(await link()).toEqual({ ok: true });
    const message = expect.stringContaining("Secret horses/stable-kubeconfig is missing");
    expect(facts).toMatchObject([{ outcome: "problem", message }]);
    putKubeconfig("stable");
    putNode("worker-1");
    await clock.advance(2_000);
    await link();
    expect(facts[1]).toMatchObject({ outcome: "linked" });
  });

  test("that would run a program is a problem, and nobody is connected to", async () => {
    putKubeconfig("stable", { exec: { command: "/bin/sh" } });
    expect(await link()).toEqual({ ok: true });
    const message = expect.stringMatching(/^Secret horses\/stable-kubeconfig has exec in its user/);
    expect(facts).toMatchObject([{ outcome: "problem", message }]);
    expect(connected).toEqual([]);
  });

  test.each([401, 403, 500])("whose user is answered %i is a problem", async (status) => {
    workload.refuse = () => status;
    expect(await link()).toEqual({ ok: true });
    const message = expect.stringContaining(`answered ${status}`);
    expect(facts).toMatchObject([{ outcome: "problem", message }]);
  });

  test("that cannot be read now is worth another try", async () => {
    management.refuse = ({ path }) => (path.includes("secrets") ? 503 : undefined);
    expect(await link()).toMatchObject({ ok: false, retry: true });
    expect(facts).toEqual([]);
    management.refuse = () => undefined;
    putNode("worker-1");
    expect(await link()).toEqual({ ok: true });
  });
});

test("a control plane that cannot be told is worth another try", async () => {
  putNode("worker-1");
  hubAnswers = false;
  expect(await link()).toMatchObject({ ok: false, retry: true });
  hubAnswers = true;
  expect(await link()).toEqual({ ok: true });
  expect(changes()).toHaveLength(1);
});

describe("many machines", () => {
  const many = Array.from({ length: 50 }, (_, at) => `w${at}`);
  const linkAll = () =>
    Promise.all(
      many.map((name) =>
        link({
          name,
          uid: name,
          providerID: `metal3://horses/h/${name}`,
          hostUid: name,
          systemUuid: undefined,
          hostnames: [],
        }),
      ),
    );
  beforeEach(() => {
    for (const name of many) {
      management.put(`${machines}/${name}`, { metadata: { name, uid: name } });
      putNode(`node-${name}`, {}, { "metal3.io/uuid": name });
    }
  });

  test("of one cluster are linked by one look at it", async () => {
    await linkAll();
    expect(facts.map(({ outcome }) => outcome)).toEqual(many.map(() => "linked"));
    expect(node("node-w7")?.["spec"]).toEqual({ providerID: "metal3://horses/h/w7" });
    expect(lists()).toBe(1);
  });

  test("of a cluster that does not answer wait once, and not again for a while", async () => {
    const hung = Promise.withResolvers<void>();
    const request = workload.request.bind(workload);
    workload.request = async (asked) => {
      workload.requests.push(asked);
      await hung.promise;
      return err("unreachable", "timeout");
    };
    const all = linkAll();
    await clock.advance(0);
    expect(lists()).toBe(1);
    hung.resolve();
    await all;
    expect(facts).toHaveLength(50);
    for (const { outcome, message } of facts) {
      expect(outcome).toBe("problem");
      expect(message).toContain("https://stable.example:6443");
    }
    await clock.advance(9_000);
    await linkAll();
    expect(lists()).toBe(1);
    workload.request = request;
    await clock.advance(1_000);
    await linkAll();
    expect(facts.at(-1)).toMatchObject({ outcome: "linked" });
  });
});

test("a cluster of many Nodes is looked at page by page", async () => {
  for (let at = 0; at < 600; at += 1) putNode(`other-${at}`);
  putNode("zebra", {}, { "metal3.io/uuid": "host-1" });
  await link();
  expect(facts).toMatchObject([{ outcome: "linked", nodeName: "zebra" }]);
  expect(lists()).toBe(3);
});

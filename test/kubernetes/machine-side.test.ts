// What the cluster link does for the machine side, with its own rights at a real API server: many consumers want one
// host and one gets it, and a Node of a workload cluster (the same API server here) is linked.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startKubernetes, type KubernetesHandle } from "../../infra/kubernetes/start-kubernetes.ts";
import { installManifests } from "../../infra/paddock/install-manifests.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { infrastructureGroup } from "../../shared/capm3/provider.ts";
import type { NodeFact } from "../../shared/protocol/facts/node-fact.ts";
import { ok } from "../../shared/result.ts";
import { makeNodeClock } from "../../site-agent/adapters/node-clock.ts";
import { makeNodeKubernetes } from "../../site-agent/adapters/node-kubernetes.ts";
import { makeNodeConnectCluster } from "../../site-agent/adapters/node-workload-clusters.ts";
import { linkNode, type LinkNode } from "../../site-agent/cluster/nodes/link-node.ts";
import { makeWorkloadClusters } from "../../site-agent/cluster/nodes/workload-clusters.ts";
import type { KubernetesApi } from "../../site-agent/cluster/port.ts";
import { writeBackTo, type KubernetesWrite } from "../../site-agent/cluster/writes/write-back.ts";

type Json = Record<string, unknown>;
interface Held {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly spec: Json;
  readonly status?: Json;
}

const image = { url: "http://images.example/a.qcow2", checksum: "0".repeat(64) };
const apiVersion = `${infrastructureGroup}/v1beta2`;

let folder: string;
let cluster: KubernetesHandle;
let linkKubeconfig: string;
let api: KubernetesApi;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-machine-side-"));
  cluster = await startKubernetes({ directory: folder, progress: terminalProgress() });
  linkKubeconfig = await installManifests(cluster);
  api = makeNodeKubernetes(linkKubeconfig);
  await kubectl("create namespace metal");
});
afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function kubectl(args: string, input?: object): Promise<string> {
  const options = input === undefined ? {} : { input: JSON.stringify(input) };
  const { code, stdout, stderr } = await cluster.kubectl(args.split(" "), options);
  if (code !== 0) throw new Error(`kubectl ${args}: ${stderr}`);
  return stdout.trim();
}

const read = async (resource: string, name: string): Promise<Held> =>
  JSON.parse(await kubectl(`get ${resource} ${name} -n metal -o json`)) as Held;

/** Returns its UID. */
async function create(kind: string, name: string, spec: object): Promise<string> {
  const version = kind === "BareMetalHost" ? "metal3.io/v1alpha1" : apiVersion;
  const metadata = { name, namespace: "metal" };
  await kubectl("create -f -", { apiVersion: version, kind, metadata, spec });
  return (await read(kind, name)).metadata.uid;
}

/** As the cluster link does it: what lost a race is tried again. */
async function write(write: KubernetesWrite) {
  for (;;) {
    const outcome = await writeBackTo(api, write);
    if (outcome.ok || !outcome.retry) return outcome;
  }
}

describe("the rights", () => {
  /** Asks for the rights of whoever the kubeconfig names; the resources need not be defined. */
  const mayOf = (kubeconfig: string) => {
    const api = makeNodeKubernetes(kubeconfig);
    return async (line: string): Promise<boolean> => {
      const [verb, full = "", group] = line.split(" ");
      const [resource, subresource] = full.split("/");
      const answer = await api.request({
        method: "POST",
        path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body: {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SelfSubjectAccessReview",
          spec: {
            resourceAttributes: { verb, resource, subresource, group, namespace: "metal" },
          },
        },
      });
      if (!answer.ok || answer.value.status !== 201) throw new Error(JSON.stringify(answer));
      return (answer.value.body as { status: { allowed: boolean } }).status.allowed;
    };
  };

  it("of the cluster link are enough for the machine side and no more", async () => {
    const may = mayOf(linkKubeconfig);
    for (const plural of ["metal3clusters", "metal3machines"]) {
      for (const what of ["list", "watch", "patch"])
        expect([plural, await may(`${what} ${plural} ${infrastructureGroup}`)]).toEqual([
          plural,
          true,
        ]);
      expect(await may(`update ${plural}/status ${infrastructureGroup}`)).toBe(true);
      for (const what of ["create", "delete"])
        expect(await may(`${what} ${plural} ${infrastructureGroup}`)).toBe(false);
    }
    for (const plural of ["clusters", "machines"]) {
      expect(await may(`watch ${plural} cluster.x-k8s.io`)).toBe(true);
      for (const what of ["patch", "delete"])
        expect(await may(`${what} ${plural} cluster.x-k8s.io`)).toBe(false);
    }
    expect(await may("patch nodes ")).toBe(false);
    expect(await may(`patch metal3machinetemplates ${infrastructureGroup}`)).toBe(false);
  });

  it("that core takes in by their label are enough for it", async () => {
    const metadata = { name: "core-of-this-test" };
    const label = { matchLabels: { "cluster.x-k8s.io/aggregate-to-manager": "true" } };
    const apiVersion = "rbac.authorization.k8s.io/v1";
    await kubectl("apply -f -", {
      apiVersion,
      kind: "ClusterRole",
      metadata,
      aggregationRule: { clusterRoleSelectors: [label] },
      rules: [],
    });
    await kubectl("apply -f -", {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", ...metadata },
      subjects: [{ kind: "User", name: "core" }],
    });
    const may = mayOf(await cluster.kubeconfigFor({ name: "core" }));
    await expect.poll(() => may(`create metal3machines ${infrastructureGroup}`)).toBe(true);
    for (const plural of ["metal3clusters", "metal3machines", "metal3machinetemplates"])
      for (const what of ["get", "list", "watch", "create", "update", "patch", "delete"])
        expect([plural, await may(`${what} ${plural} ${infrastructureGroup}`)]).toEqual([
          plural,
          true,
        ]);
    expect(await may(`patch metal3machines/status ${infrastructureGroup}`)).toBe(true);
    expect(await may("patch baremetalhosts metal3.io")).toBe(false);
  });
});

describe("a host", () => {
  const consumerOf = (name: string) => ({
    apiVersion,
    kind: "Metal3Machine",
    namespace: "metal",
    name,
  });
  const claimOf = (uid: string, consumer: string): KubernetesWrite => ({
    kind: "host-patch",
    namespace: "metal",
    name: "wanted",
    uid,
    consumer: consumerOf(consumer),
    labels: { "cluster.x-k8s.io/cluster-name": consumer },
    spec: { consumerRef: consumerOf(consumer), online: true },
    deploySpec: { image, userData: { name: consumer, namespace: "metal" } },
  });
  const releaseOf = (uid: string, consumer: string): KubernetesWrite => ({
    kind: "host-patch",
    namespace: "metal",
    name: "wanted",
    uid,
    consumer: consumerOf(consumer),
    labels: { "cluster.x-k8s.io/cluster-name": null },
    spec: { consumerRef: null, image: null, userData: null, online: false },
  });

  it("that many consumers want at once goes to one of them, whole [M18 M27 M30 M31]", async () => {
    const uid = await create("BareMetalHost", "wanted", { online: false });
    const names = Array.from({ length: 12 }, (_, at) => `w${at}`);
    const outcomes = await Promise.all(names.map((name) => write(claimOf(uid, name))));
    const winners = names.filter((_, at) => outcomes[at]?.ok === true);
    expect(winners).toHaveLength(1);
    const [winner = ""] = winners;
    for (const outcome of outcomes) {
      if (outcome.ok) continue;
      expect(outcome).toMatchObject({ retry: false });
      expect(outcome.message).toContain(
        `its spec.consumerRef is Metal3Machine metal/${winner}, not`,
      );
    }
    const host = await read("bmh", "wanted");
    expect(host.metadata.labels).toEqual({ "cluster.x-k8s.io/cluster-name": winner });
    expect(host.spec).toMatchObject({
      consumerRef: consumerOf(winner),
      online: true,
      image,
      userData: { name: winner, namespace: "metal" },
    });
    // Done again it is no request, and a late release of a loser changes nothing.
    expect(await write(claimOf(uid, winner))).toEqual({ ok: true });
    const loser = names.find((name) => name !== winner) ?? "";
    expect(await write(releaseOf(uid, loser))).toMatchObject({ ok: false, retry: false });
    expect((await read("bmh", "wanted")).metadata.resourceVersion).toBe(
      host.metadata.resourceVersion,
    );
    expect(await write(releaseOf(uid, winner))).toEqual({ ok: true });
    const free = await read("bmh", "wanted");
    expect(free.metadata).not.toHaveProperty("labels");
    expect(free.spec).toMatchObject({ online: false });
    for (const field of ["consumerRef", "image", "userData"])
      expect(free.spec).not.toHaveProperty(field);
  });

  it("that a person edits all the time is changed in between, and nothing is lost", async () => {
    await kubectl("delete bmh wanted -n metal");
    const uid = await create("BareMetalHost", "wanted", { online: false });
    const admin = makeNodeKubernetes(cluster.adminKubeconfigPath);
    const path = "/apis/metal3.io/v1alpha1/namespaces/metal/baremetalhosts/wanted";
    let edits = 0;
    let isDone = false;
    const editing = (async () => {
      while (!isDone) {
        const body = { metadata: { annotations: { edits: String(edits + 1) } } };
        const answer = await admin.request({ method: "PATCH", path, patch: "merge", body });
        if (answer.ok && answer.value.status === 200) edits += 1;
      }
    })();
    for (let at = 0; at < 3; at += 1) {
      expect(await write(claimOf(uid, "w1"))).toEqual({ ok: true });
      expect(await write(releaseOf(uid, "w1"))).toEqual({ ok: true });
    }
    isDone = true;
    await editing;
    expect(edits).toBeGreaterThan(3);
    const annotations = "jsonpath={.metadata.annotations.edits}";
    expect(await kubectl(`get bmh wanted -n metal -o ${annotations}`)).toBe(String(edits));
  });
});

describe("an object of the machine side", () => {
  it("gets finalizer, annotation, spec, status, Event and the label of its Secret [M28 M29]", async () => {
    const uid = await create("Metal3Machine", "written", { image });
    const target = { namespace: "metal", name: "written", uid };
    const finalizer = "metal3machine.infrastructure.cluster.x-k8s.io";
    const now = "2026-01-01T00:00:00Z";
    const status = {
      initialization: { provisioned: true },
      lastUpdated: now,
      conditions: [
        { type: "Ready", status: "True", reason: "Ready", message: "", lastTransitionTime: now },
      ],
      addresses: [{ type: "InternalIP", address: "192.0.2.10" }],
    };
    const resource = "metal3machines";
    const providerID = "metal3://metal/m1/written";
    expect(
      await write({
        kind: "provider-patch",
        resource,
        ...target,
        addFinalizers: [finalizer],
        annotations: { "metal3.io/BareMetalHost": "metal/m1" },
        spec: { providerID },
      }),
    ).toEqual({ ok: true });
    const setStatus: KubernetesWrite = { kind: "provider-status", resource, ...target, status };
    expect(await write(setStatus)).toEqual({ ok: true });
    const held = await read("m3m", "written");
    expect(held).toMatchObject({
      metadata: { finalizers: [finalizer] },
      spec: { providerID },
      status,
    });
    expect(await write(setStatus)).toEqual({ ok: true });
    expect((await read("m3m", "written")).metadata.resourceVersion).toBe(
      held.metadata.resourceVersion,
    );
    const about = { apiVersion, kind: "Metal3Machine" };
    const event = { eventName: "written.1", type: "Normal", reason: "Associated" } as const;
    const told = {
      kind: "event",
      ...target,
      about,
      ...event,
      message: "host m1",
      atMs: 1,
    } as const;
    expect(await write(told)).toEqual({ ok: true });
    expect(await kubectl("events -n metal --for metal3machine/written")).toContain("Associated");
    await kubectl("create secret generic m1-bmc -n metal --from-literal=username=admin");
    const hostUid = await create("BareMetalHost", "m1", { online: false });
    const labels = { "cluster.x-k8s.io/cluster-name": "stable" };
    const host = { namespace: "metal", name: "m1", uid: hostUid };
    const label = { kind: "label-secret", ...host, secretName: "m1-bmc", labels } as const;
    expect(await write(label)).toEqual({ ok: true });
    expect((await read("secret", "m1-bmc")).metadata.labels).toEqual(labels);
    expect(
      await write({ kind: "provider-patch", resource, ...target, removeFinalizers: [finalizer] }),
    ).toEqual({ ok: true });
    await kubectl("delete m3m written -n metal --timeout=10s");
  });
});

describe("a Node", () => {
  let machineUid: string;
  let facts: NodeFact[];

  beforeAll(async () => {
    machineUid = await create("Metal3Machine", "w1", { image });
    await putKubeconfig("stable", await readFile(cluster.adminKubeconfigPath, "utf8"));
  });
  beforeEach(() => {
    facts = [];
  });

  const putKubeconfig = (name: string, value: string) =>
    kubectl("apply -f -", {
      apiVersion: "v1",
      kind: "Secret",
      type: "cluster.x-k8s.io/secret",
      metadata: {
        name: `${name}-kubeconfig`,
        namespace: "metal",
        labels: { "cluster.x-k8s.io/cluster-name": name },
      },
      stringData: { value },
    });

  async function link(over: Partial<LinkNode> = {}): Promise<NodeFact | undefined> {
    const clusters = makeWorkloadClusters({
      api,
      connectCluster: makeNodeConnectCluster(),
      clock: makeNodeClock(),
    });
    const hub = {
      async postNodes(body: { readonly facts: readonly NodeFact[] }) {
        facts.push(...body.facts);
        return ok(undefined);
      },
    };
    const order: LinkNode = {
      kind: "link-node",
      namespace: "metal",
      name: "w1",
      uid: machineUid,
      clusterName: "stable",
      providerID: "metal3://metal/m1/w1",
      hostUid: "1f2e3d4c-0000-4000-8000-000000000001",
      hostnames: ["worker-1"],
      mayWrite: true,
      ...over,
    };
    expect(await linkNode({ api, hub, clusters }, order)).toEqual({ ok: true });
    return facts.at(-1);
  }

  it("is found when it has come, gets providerID and label, and is linked from then on [M51]", async () => {
    expect(await link()).toMatchObject({ outcome: "missing" });
    const metadata = { name: "worker-1", labels: { "kubernetes.io/hostname": "worker-1" } };
    await kubectl("create -f -", { apiVersion: "v1", kind: "Node", metadata });
    const fact = {
      machineUid,
      outcome: "linked",
      nodeName: "worker-1",
      providerID: "metal3://metal/m1/w1",
    };
    expect(await link()).toEqual(fact);
    const node = await read("node", "worker-1");
    expect(node.spec).toMatchObject({ providerID: fact.providerID });
    expect(node.metadata.labels).toMatchObject({
      "metal3.io/uuid": "1f2e3d4c-0000-4000-8000-000000000001",
      "kubernetes.io/hostname": "worker-1",
    });
    expect(await link()).toEqual(fact);
    expect((await read("node", "worker-1")).metadata.resourceVersion).toBe(
      node.metadata.resourceVersion,
    );
  });

  it("of another machine is a conflict, and so are two [M52]", async () => {
    const providerID = "metal3://metal/m1/w2";
    expect(await link({ providerID })).toMatchObject({
      outcome: "conflict",
      nodeName: "worker-1",
      providerID: "metal3://metal/m1/w1",
    });
    const labels = { "metal3.io/uuid": "two" };
    for (const name of ["a", "b"])
      await kubectl("create -f -", { apiVersion: "v1", kind: "Node", metadata: { name, labels } });
    expect(await link({ providerID, hostUid: "two" })).toMatchObject({ outcome: "conflict" });
    expect((await read("node", "a")).spec).not.toHaveProperty("providerID");
  });

  it("that the kubeconfig's user may not see is a problem, and so is a server that is not there", async () => {
    await kubectl("create serviceaccount nobody -n metal");
    const identity = { serviceAccount: "nobody", namespace: "metal" };
    const text = await readFile(await cluster.kubeconfigFor(identity), "utf8");
    await putKubeconfig("forbidden", text);
    expect(await link({ clusterName: "forbidden" })).toMatchObject({
      outcome: "problem",
      message: expect.stringContaining("403"),
    });
    await putKubeconfig("away", text.replace(/(https:\/\/[^:\s]+):\d+/, "$1:1"));
    expect(await link({ clusterName: "away" })).toMatchObject({
      outcome: "problem",
      message: expect.stringContaining("Secret metal/away-kubeconfig"),
    });
  });
});

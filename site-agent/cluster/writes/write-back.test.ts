// Each kind of write-back on a Kubernetes in memory: done once and done again it is the same; a host that is gone or
// replaced is left alone; conflicts and refusals are told apart.
import { beforeEach, describe, expect, test } from "vitest";
import { FakeKubernetes, type FakeObject } from "../../../test/support/fake-kubernetes.ts";
import { writeBackTo, type KubernetesWrite } from "./write-back.ts";

const hosts = "/apis/metal3.io/v1alpha1/namespaces/horses/baremetalhosts";
const hardwareData = "/apis/metal3.io/v1alpha1/namespaces/horses/hardwaredata/m1";
const secrets = "/api/v1/namespaces/horses/secrets";
const target = { namespace: "horses", name: "m1", uid: "host-1" };
const machines = "/apis/infrastructure.cluster.x-k8s.io/v1beta2/namespaces/horses/metal3machines";
const machine = {
  resource: "metal3machines",
  namespace: "horses",
  name: "w1",
  uid: "w-1",
} as const;
const sets = "/apis/machine.openshift.io/v1beta1/namespaces/horses/machinesets";
const machineSet = { namespace: "horses", name: "east", uid: "set-1" };
const consumer = {
  apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
  kind: "Metal3Machine",
  namespace: "horses",
  name: "w1",
};
const finalizer = "baremetalhost.metal3.io";
const hardware = { hostname: "m1", cpu: { arch: "x86_64", count: 8 } };

let kubernetes: FakeKubernetes;
beforeEach(() => {
  kubernetes = new FakeKubernetes();
  kubernetes.put(`${hosts}/m1`, {
    metadata: {
      name: "m1",
      namespace: "horses",
      uid: "host-1",
      annotations: { "a/b": "", keep: "me" },
    },
    spec: { online: true },
  });
  kubernetes.put(`${secrets}/m1-bmc`, {
    metadata: { name: "m1-bmc", namespace: "horses", uid: "s-1" },
  });
  kubernetes.put(`${sets}/east`, {
    metadata: { ...machineSet, generation: 3 },
    spec: { template: {} },
  });
  kubernetes.put(`${machines}/w1`, {
    apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
    kind: "Metal3Machine",
    metadata: { name: "w1", namespace: "horses", uid: "w-1", finalizers: ["other/one"] },
    spec: { image: { url: "http://images.example/a" } },
  });
});

const writes = {
  status: { kind: "status", ...target, status: { poweredOn: true } as never },
  metadata: {
    kind: "metadata",
    ...target,
    addFinalizers: [finalizer],
    removeAnnotations: ["a/b"],
  },
  architecture: { kind: "architecture", ...target, architecture: "x86_64" },
  "hardware-data": { kind: "hardware-data", ...target, hardware },
  "release-hardware-data": { kind: "release-hardware-data", ...target },
  "claim-secret": { kind: "claim-secret", ...target, secretName: "m1-bmc", purpose: "bmc" },
  "release-secret": { kind: "release-secret", ...target, secretName: "m1-bmc" },
  event: {
    kind: "event",
    ...target,
    eventName: "m1.1",
    type: "Normal",
    reason: "PowerOn",
    message: "the host is on",
    atMs: Date.parse("2026-11-01T12:00:00.123Z"),
  },
  "host-patch": {
    kind: "host-patch",
    ...target,
    consumer,
    labels: { "cluster.x-k8s.io/cluster-name": "stable", "never/there": null },
    annotations: { keep: null, "c/d": "" },
    spec: { consumerRef: consumer, online: true },
    deploySpec: { image: { url: "http://images.example/a", checksum: "c" } },
  },
  "label-secret": {
    kind: "label-secret",
    ...target,
    secretName: "m1-bmc",
    labels: { "cluster.x-k8s.io/cluster-name": "stable" },
  },
  "machine-set": {
    kind: "machine-set",
    ...machineSet,
    generation: 3,
    make: ["east-bcdfg"],
    remove: [],
    adopt: [],
  },
  "provider-patch": {
    kind: "provider-patch",
    ...machine,
    addFinalizers: ["metal3machine.infrastructure.cluster.x-k8s.io"],
    annotations: { "metal3.io/BareMetalHost": "horses/m1" },
    spec: { providerID: "metal3://horses/m1/w1" },
  },
  "provider-status": {
    kind: "provider-status",
    ...machine,
    status: { initialization: { provisioned: true } },
  },
} as const satisfies {
  readonly [K in KubernetesWrite["kind"]]: Extract<KubernetesWrite, { kind: K }>;
};
const kinds = Object.keys(writes) as KubernetesWrite["kind"][];

const write = (kind: KubernetesWrite["kind"], over: object = {}) =>
  writeBackTo(kubernetes, { ...writes[kind], ...over } as KubernetesWrite);
const object = (path: string): FakeObject | undefined => kubernetes.objects.get(path);
const metadata = (path: string) => object(path)?.metadata;
const ownersOf = (path: string) =>
  (metadata(path)?.["ownerReferences"] ?? []) as readonly { readonly uid: string }[];
const targetOf = (kind: KubernetesWrite["kind"]) => {
  if (kind === "machine-set") return `${sets}/east`;
  return kind.startsWith("provider-") ? `${machines}/w1` : `${hosts}/m1`;
};
const state = () => JSON.stringify([...kubernetes.objects]);

describe.each(kinds)("write-back of %s", (kind) => {
  test("is done, and done again it changes nothing", async () => {
    expect(await write(kind)).toEqual({ ok: true });
    // What differs is told apart by resourceVersion, which counts each change of this Kubernetes; a status that is
    // applied again is one there.
    const before = state().replaceAll(/"resourceVersion":"\d+"/g, "");
    expect(await write(kind)).toEqual({ ok: true });
    expect(state().replaceAll(/"resourceVersion":"\d+"/g, "")).toBe(before);
  });

  test("for a target that is gone is done without a trace", async () => {
    kubernetes.remove(targetOf(kind));
    const before = state();
    expect(await write(kind)).toEqual({ ok: true });
    if (kind !== "event") expect(state()).toBe(before);
  });

  test("for a target that was replaced leaves the new one alone", async () => {
    kubernetes.remove(targetOf(kind));
    kubernetes.put(targetOf(kind), {
      metadata: { name: "m1", namespace: "horses", uid: "another" },
    });
    const before = state();
    expect(await write(kind)).toEqual({ ok: true });
    if (kind !== "event") expect(state()).toBe(before);
  });

  test("is worth another try when the API server cannot be reached, or is busy", async () => {
    kubernetes.refuse = () => "unreachable";
    expect(await write(kind)).toMatchObject({ ok: false, retry: true });
    for (const status of [429, 500, 503]) {
      kubernetes.refuse = () => status;
      expect(await write(kind)).toMatchObject({ ok: false, retry: true });
    }
  });

  test("is not worth another try when it is forbidden", async () => {
    kubernetes.refuse = () => 403;
    expect(await write(kind)).toMatchObject({ ok: false, retry: false });
  });
});

const bound = [
  "metadata",
  "architecture",
  "claim-secret",
  "host-patch",
  "label-secret",
  "provider-patch",
  "provider-status",
] as const;
test.each(bound)(
  "write-back of %s does not write over what changed since it was read",
  async (kind) => {
    kubernetes.refuse = ({ method, path }) => {
      if (method === "PATCH" || method === "PUT") {
        const bare = path.replace(/(?:\/status)?\?.*/, "");
        const changed = object(bare);
        if (changed !== undefined) kubernetes.put(bare, changed);
      }
      return undefined;
    };
    expect(await write(kind)).toMatchObject({ ok: false, retry: true });
  },
);

test("a status replaces the whole status, also what another operator left there, and nothing else", async () => {
  const before = kubernetes.put(`${hosts}/m1`, {
    metadata: { name: "m1", uid: "host-1", labels: { keep: "me" } },
    spec: { online: true },
    status: { errorType: "inspection error", errorCount: 9 },
  });
  await write("status");
  expect(kubernetes.requests.at(-1)).toMatchObject({
    method: "PUT",
    path: `${hosts}/m1/status?fieldManager=farrier`,
    body: { metadata: { uid: "host-1", resourceVersion: before.metadata.resourceVersion } },
  });
  const after = kubernetes.objects.get(`${hosts}/m1`);
  expect(after).toMatchObject({ metadata: { labels: { keep: "me" } }, spec: { online: true } });
  expect(after?.["status"]).not.toHaveProperty("errorType");
  expect(after?.["status"]).toMatchObject({ poweredOn: true });
});

describe("a status that is about an older spec", () => {
  const about = (observedGeneration: number) => ({
    poweredOn: observedGeneration < 2,
    conditions: [{ type: "Ready", observedGeneration }],
  });
  const shown = async (generation: number, there: number, ours: number) => {
    const host = `${hosts}/m1`;
    kubernetes.put(host, {
      metadata: { name: "m1", namespace: "horses", uid: target.uid, generation },
      status: about(there),
    });
    const status = about(ours) as never;
    return await writeBackTo(kubernetes, { kind: "status", ...target, status });
  };

  test("replaces none about a newer one", async () => {
    expect(await shown(2, 2, 1)).toEqual({
      ok: false,
      message: "the status there is about generation 2 of the host, this one about 1",
      retry: false,
    });
    expect(kubernetes.objects.get(`${hosts}/m1`)?.["status"]).toEqual(about(2));
  });

  test("replaces one of a backup, about more than the host ever was", async () => {
    expect(await shown(1, 2, 1)).toEqual({ ok: true });
    expect(await shown(2, 1, 2)).toEqual({ ok: true });
  });
});

test("a status replaces none of which nothing was known when it was decided: that one's database is lost", async () => {
  const host = `${hosts}/m1`;
  const own = "2026-11-01T12:01:00Z";
  const over = { seen: "2026-11-01T12:00:00Z", own: [own] };
  const write = async (lastUpdated: string) => {
    const metadata = { name: "m1", namespace: "horses", uid: target.uid };
    kubernetes.put(host, { metadata, status: { lastUpdated } });
    const status = { lastUpdated: own } as never;
    return await writeBackTo(kubernetes, { kind: "status", ...target, status, over });
  };
  expect(await write("2026-11-01T12:00:30Z")).toMatchObject({ ok: false, retry: false });
  expect(kubernetes.objects.get(host)?.["status"]).toEqual({ lastUpdated: "2026-11-01T12:00:30Z" });
  for (const known of ["2026-11-01T12:00:00Z", own])
    expect(await write(known)).toEqual({ ok: true });
});

test("metadata keeps what others put there", async () => {
  kubernetes.put(`${hosts}/m1`, {
    metadata: {
      name: "m1",
      uid: "host-1",
      finalizers: ["other/one"],
      annotations: { "a/b": "", keep: "me" },
    },
  });
  await write("metadata");
  expect(metadata(`${hosts}/m1`)).toMatchObject({ finalizers: ["other/one", finalizer] });
  expect(metadata(`${hosts}/m1`)?.["annotations"]).toEqual({ keep: "me" });
  await write("metadata", { addFinalizers: undefined, removeFinalizers: [finalizer] });
  expect(metadata(`${hosts}/m1`)?.["finalizers"]).toEqual(["other/one"]);
});

test("an architecture that is set already stays", async () => {
  kubernetes.put(`${hosts}/m1`, {
    metadata: { name: "m1", uid: "host-1" },
    spec: { architecture: "aarch64" },
  });
  await write("architecture");
  expect(object(`${hosts}/m1`)?.["spec"]).toEqual({ architecture: "aarch64" });
});

describe("HardwareData", () => {
  test("is the host's, and is kept from going before it", async () => {
    await write("hardware-data");
    expect(object(hardwareData)).toMatchObject({
      kind: "HardwareData",
      metadata: {
        finalizers: ["baremetalhost.metal3.io/hardwareData"],
        ownerReferences: [{ kind: "BareMetalHost", name: "m1", uid: "host-1" }],
      },
      spec: { hardware },
    });
  });

  test("of another inspection is a new object, though the old one had a finalizer", async () => {
    await write("hardware-data");
    await write("hardware-data", { hardware: { hostname: "m1", ramMebibytes: 512 } });
    expect(object(hardwareData)?.["spec"]).toEqual({
      hardware: { hostname: "m1", ramMebibytes: 512 },
    });
    const created = kubernetes.requests.filter(({ method }) => method === "POST");
    expect(created).toHaveLength(2);
  });

  test("that somebody made empty is replaced", async () => {
    kubernetes.put(hardwareData, { metadata: { name: "m1", namespace: "horses", uid: "h-0" } });
    expect(await write("hardware-data")).toEqual({ ok: true });
    expect(object(hardwareData)?.["spec"]).toEqual({ hardware });
  });

  test("goes with the host when it is released", async () => {
    await write("hardware-data");
    await write("release-hardware-data");
    expect(metadata(hardwareData)?.["finalizers"]).toEqual([]);
  });

  test("of another host of this name is not released", async () => {
    await write("hardware-data");
    await write("release-hardware-data", { uid: "host-0" });
    expect(metadata(hardwareData)?.["finalizers"]).toHaveLength(1);
  });
});

describe("a Secret", () => {
  const path = `${secrets}/m1-bmc`;

  test("of a BMC gets label, finalizer and owner; others only the label", async () => {
    kubernetes.put(`${secrets}/user-data`, { metadata: { name: "user-data", uid: "s-2" } });
    await write("claim-secret");
    await write("claim-secret", { secretName: "user-data", purpose: "userData" });
    expect(metadata(path)).toMatchObject({
      labels: { "environment.metal3.io": "baremetal" },
      finalizers: ["baremetalhost.metal3.io/secret"],
      ownerReferences: [{ kind: "BareMetalHost", uid: "host-1" }],
    });
    expect(metadata(`${secrets}/user-data`)).toEqual({
      name: "user-data",
      uid: "s-2",
      resourceVersion: expect.any(String),
      labels: { "environment.metal3.io": "baremetal" },
    });
  });

  test("that carries another value under our label keeps it", async () => {
    const labels = { "environment.metal3.io": "other" };
    kubernetes.put(path, { metadata: { name: "m1-bmc", uid: "s-1", labels } });
    await write("claim-secret");
    expect(metadata(path)?.["labels"]).toEqual(labels);
  });

  test("that is being deleted gets no finalizer", async () => {
    const deletionTimestamp = "2026-11-01T12:00:00Z";
    const finalizers = ["other/one"];
    kubernetes.put(path, {
      metadata: { name: "m1-bmc", uid: "s-1", deletionTimestamp, finalizers },
    });
    await write("claim-secret");
    expect(metadata(path)?.["finalizers"]).toEqual(finalizers);
    expect(metadata(path)?.["ownerReferences"]).toBeUndefined();
  });

  test("that two hosts share keeps its finalizer until the last one lets go", async () => {
    kubernetes.put(`${hosts}/m2`, { metadata: { name: "m2", namespace: "horses", uid: "host-2" } });
    await write("claim-secret");
    await write("claim-secret", { name: "m2", uid: "host-2" });
    await write("release-secret");
    expect(metadata(path)?.["finalizers"]).toHaveLength(1);
    const owners = ownersOf(path).filter(({ uid }) => uid === "host-2");
    kubernetes.put(path, { metadata: { ...metadata(path), ownerReferences: owners } });
    await write("release-secret", { name: "m2", uid: "host-2" });
    expect(metadata(path)?.["finalizers"]).toEqual([]);
  });

  test("that is not there is nothing to claim or release", async () => {
    kubernetes.remove(path);
    expect(await write("claim-secret")).toEqual({ ok: true });
    expect(await write("release-secret")).toEqual({ ok: true });
  });
});

test("an Event is of the host's controller, in whole seconds", async () => {
  await write("event", { related: { kind: "Secret", name: "m1-bmc" } });
  expect(object("/api/v1/namespaces/horses/events/m1.1")).toMatchObject({
    involvedObject: { kind: "BareMetalHost", name: "m1", uid: "host-1" },
    reason: "PowerOn",
    type: "Normal",
    firstTimestamp: "2026-11-01T12:00:00Z",
    source: { component: "metal3-baremetal-controller" },
    related: { kind: "Secret", name: "m1-bmc" },
  });
});

// The writes of the machine side: a host of somebody else is never touched, what is as wanted is not written, and
// what others put there stays.
import { beforeEach, describe, expect, test } from "vitest";
import { FakeKubernetes } from "../../../test/support/fake-kubernetes.ts";
import type { Relabelled } from "../secrets/secret-versions.ts";
import { ShownObjects } from "../shown-objects.ts";
import { writeBackTo, type KubernetesWrite } from "./write-back.ts";

const host = "/apis/metal3.io/v1alpha1/namespaces/horses/baremetalhosts/m1";
const machine = "/apis/infrastructure.cluster.x-k8s.io/v1beta2/namespaces/horses/metal3machines/w1";
const secret = "/api/v1/namespaces/horses/secrets/m1-bmc";
const clusterName = "cluster.x-k8s.io/cluster-name";
const image = { url: "http://images.example/a", checksum: "c" };
const consumer = {
  apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
  kind: "Metal3Machine",
  namespace: "horses",
  name: "w1",
};

let kubernetes: FakeKubernetes;
beforeEach(() => {
  kubernetes = new FakeKubernetes();
});

const metadata = { name: "m1", namespace: "horses", uid: "host-1" };
const putHost = (spec: object, more: object = {}) =>
  kubernetes.put(host, { metadata: { ...metadata, ...more }, spec });
const specOf = (path: string) => kubernetes.objects.get(path)?.["spec"];
const metadataOf = (path: string) => kubernetes.objects.get(path)?.metadata;
const changes = () => kubernetes.requests.filter(({ method }) => method !== "GET");

describe("a host-patch", () => {
  type Patch = Extract<KubernetesWrite, { kind: "host-patch" }>;
  const write = (over: Partial<Patch>) =>
    writeBackTo(kubernetes, { kind: "host-patch", ...metadata, consumer, ...over });
  const claim = { spec: { consumerRef: consumer, online: true }, deploySpec: { image } };
  const release = {
    labels: { [clusterName]: null },
    spec: { consumerRef: null, image: null, userData: null },
  };

  test("takes a free host and deploys it", async () => {
    putHost({ online: false, bootMACAddress: "52:54:00:00:00:01" });
    expect(await write(claim)).toEqual({ ok: true });
    expect(specOf(host)).toEqual({
      bootMACAddress: "52:54:00:00:00:01",
      consumerRef: consumer,
      online: true,
      image,
    });
  });

  test("takes the consumer's own host, whatever version it was written with", async () => {
    putHost({ consumerRef: { ...consumer, apiVersion: consumer.apiVersion.replace("2", "1") } });
    expect(await write(claim)).toEqual({ ok: true });
    expect(specOf(host)).toMatchObject({ image });
  });

  test("takes the consumer out of the host's owners when it lets go, and no other owner", async () => {
    const owner = (kind: string, name: string) => ({ apiVersion: "x/v1", kind, name, uid: name });
    const others = [owner("Metal3Machine", "another"), owner("Rack", consumer.name)];
    putHost(
      { consumerRef: consumer },
      { ownerReferences: [owner("Metal3Machine", consumer.name), ...others] },
    );
    expect(await write({ spec: { online: true } })).toEqual({ ok: true });
    expect(metadataOf(host)?.["ownerReferences"]).toHaveLength(3);
    expect(await write(release)).toEqual({ ok: true });
    expect(metadataOf(host)?.["ownerReferences"]).toEqual(others);
  });

  test("takes a host with an empty consumerRef, and its own without a namespace", async () => {
    const { namespace: _none, ...without } = consumer;
    for (const consumerRef of [{}, { name: "" }, without]) {
      putHost({ consumerRef });
      expect(await write(claim)).toEqual({ ok: true });
      expect(specOf(host)).toMatchObject({ consumerRef: consumer, image });
    }
  });

  test.each([
    ["name", { name: "w2" }],
    ["namespace", { namespace: "other" }],
    ["kind", { kind: "Machine" }],
    ["group", { apiVersion: "example.com/v1beta2" }],
    ["group, by none", { apiVersion: "v1" }],
  ])("leaves a host alone whose consumer differs in its %s", async (_what, over) => {
    putHost({ consumerRef: { ...consumer, ...over }, image });
    const before = kubernetes.objects.get(host);
    for (const patch of [claim, release]) {
      expect(await write(patch)).toEqual({
        ok: false,
        message: expect.stringMatching(
          /^host horses\/m1 was left alone: its spec.consumerRef is .+, not Metal3Machine horses\/w1$/,
        ),
        retry: false,
      });
    }
    expect(kubernetes.objects.get(host)).toBe(before);
    expect(changes()).toEqual([]);
  });

  test.each([
    ["has another image", { image: { url: "http://images.example/own" } }, {}],
    ["has another image", { image, userData: { name: "own" } }, {}],
    ["has another image", { customDeploy: { method: "own" } }, {}],
    ["is externally provisioned", { externallyProvisioned: true }, {}],
    ["is paused", {}, { annotations: { "baremetalhost.metal3.io/paused": "" } }],
    ["is detached", {}, { annotations: { "baremetalhost.metal3.io/detached": "" } }],
    ["is being deleted", {}, { deletionTimestamp: "2026-11-01T13:00:00Z" }],
  ])("that comes late claims no host that %s by now", async (why, spec, meta) => {
    putHost({ online: true, ...spec }, meta);
    expect(await write(claim)).toEqual({
      ok: false,
      message: `host horses/m1 was not claimed: it ${why}`,
      retry: false,
    });
    expect(changes()).toEqual([]);
  });

  test.each([
    [{ externallyProvisioned: true }, {}],
    [{}, { "baremetalhost.metal3.io/paused": "" }],
    [{}, { "baremetalhost.metal3.io/detached": "" }],
  ])("that holds its host off comes too late for %j %j", async (spec, annotations) => {
    const hold = { annotations: { "reboot.metal3.io/one": "" }, holdsOff: true } as const;
    putHost({ consumerRef: consumer, image, ...spec }, { annotations });
    expect(await write(hold)).toEqual({ ok: true });
    expect(changes()).toEqual([]);
    putHost({ consumerRef: consumer, image });
    expect(await write(hold)).toEqual({ ok: true });
    expect(metadataOf(host)?.["annotations"]).toEqual(hold.annotations);
  });

  test("takes a host again that runs what it brings, whose consumer was removed", async () => {
    putHost({ online: true, image });
    expect(await write(claim)).toEqual({ ok: true });
    expect(specOf(host)).toEqual({ online: true, image, consumerRef: consumer });
  });

  test("leaves a consumer alone that is no reference at all", async () => {
    putHost({ consumerRef: "somebody" });
    expect(await write(claim)).toMatchObject({ ok: false, retry: false });
    expect(changes()).toEqual([]);
  });

  test("of an old release does not empty a host that a person uses by now", async () => {
    putHost({ image, online: true }, { labels: { [clusterName]: "stable" } });
    expect(await write(release)).toEqual({ ok: true });
    expect(changes()).toEqual([]);
  });

  test("of a release empties the host in one request", async () => {
    putHost({ consumerRef: consumer, image, userData: { name: "u" }, online: true });
    expect(await write(release)).toEqual({ ok: true });
    expect(specOf(host)).toEqual({ online: true });
    expect(changes()).toHaveLength(1);
  });

  test.each([{ image }, { image: { url: "http://images.example/b" } }, { customDeploy: {} }])(
    "does not deploy over %j",
    async (deployed) => {
      putHost({ consumerRef: consumer, online: false, ...deployed });
      const deploySpec = { image: { url: "http://images.example/new" }, userData: { name: "u" } };
      expect(await write({ spec: { online: true }, deploySpec })).toEqual({ ok: true });
      expect(specOf(host)).toEqual({ consumerRef: consumer, online: true, ...deployed });
    },
  );

  test("that would change nothing is no request", async () => {
    putHost(
      { consumerRef: { ...consumer, uid: "w-1" }, online: true, image },
      { labels: { [clusterName]: "stable", keep: "me" } },
    );
    const labels = { [clusterName]: "stable", gone: null };
    expect(await write({ ...claim, labels, annotations: { gone: null } })).toEqual({ ok: true });
    expect(changes()).toEqual([]);
  });

  test("that loses the race to another consumer reads anew, and leaves the host alone", async () => {
    putHost({ online: false });
    let raced = false;
    kubernetes.refuse = ({ method }) => {
      if (method === "PATCH" && !raced) {
        raced = true;
        putHost({ consumerRef: { ...consumer, name: "w2" } });
      }
      return undefined;
    };
    expect(await write(claim)).toMatchObject({ ok: false, retry: true });
    expect(await write(claim)).toMatchObject({ ok: false, retry: false });
    expect(specOf(host)).toEqual({ consumerRef: { ...consumer, name: "w2" } });
  });
});

describe("a label-secret", () => {
  let relabelled: Relabelled[];
  const write = (labels: Record<string, string | null>) => {
    const secretName = "m1-bmc";
    const write = { kind: "label-secret", ...metadata, secretName, labels } as const;
    return writeBackTo(kubernetes, write, new ShownObjects(), (one) => relabelled.push(one));
  };
  beforeEach(() => {
    relabelled = [];
    putHost({});
    kubernetes.put(secret, {
      metadata: { name: "m1-bmc", labels: { keep: "me", [clusterName]: "old" } },
    });
  });

  test("sets and removes, and leaves the others", async () => {
    await write({ [clusterName]: "stable" });
    expect(metadataOf(secret)?.["labels"]).toEqual({ keep: "me", [clusterName]: "stable" });
    await write({ [clusterName]: null });
    await write({ [clusterName]: null });
    expect(metadataOf(secret)?.["labels"]).toEqual({ keep: "me" });
    expect(changes()).toHaveLength(2);
  });

  test("tells which version has only other labels than which", async () => {
    const version = () => String(metadataOf(secret)?.["resourceVersion"]);
    const from = version();
    await write({ [clusterName]: "stable" });
    await write({ [clusterName]: "stable" });
    const uid = String(metadataOf(secret)?.["uid"]);
    expect(relabelled).toEqual([{ uid, from, to: version() }]);
    expect(version()).not.toBe(from);
    kubernetes.refuse = ({ method }) => (method === "PATCH" ? 409 : undefined);
    await write({ [clusterName]: null });
    expect(relabelled).toHaveLength(1);
  });

  test("of a Secret that is not there is done", async () => {
    kubernetes.remove(secret);
    expect(await write({ [clusterName]: "stable" })).toEqual({ ok: true });
  });
});

describe("an object of the machine side", () => {
  const target = {
    resource: "metal3machines",
    namespace: "horses",
    name: "w1",
    uid: "w-1",
  } as const;
  const finalizer = "metal3machine.infrastructure.cluster.x-k8s.io";
  const putMachine = (more: object = {}) =>
    kubernetes.put(machine, {
      apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
      kind: "Metal3Machine",
      metadata: {
        name: "w1",
        namespace: "horses",
        uid: "w-1",
        finalizers: ["other/one"],
        annotations: { keep: "me" },
        ...more,
      },
      spec: { image },
      status: { conditions: [], phase: "odd" },
    });

  test("gets finalizer, annotation and spec in one request, and keeps the rest", async () => {
    putMachine();
    const write: KubernetesWrite = {
      kind: "provider-patch",
      ...target,
      addFinalizers: [finalizer],
      annotations: { "metal3.io/BareMetalHost": "horses/m1" },
      spec: { failureDomain: "a", providerID: null },
    };
    expect(await writeBackTo(kubernetes, write)).toEqual({ ok: true });
    expect(metadataOf(machine)).toMatchObject({ finalizers: ["other/one", finalizer] });
    expect(metadataOf(machine)?.["annotations"]).toEqual({
      keep: "me",
      "metal3.io/BareMetalHost": "horses/m1",
    });
    expect(specOf(machine)).toEqual({ image, failureDomain: "a" });
    await writeBackTo(kubernetes, write);
    expect(changes()).toHaveLength(1);
  });

  test("that is being deleted gets no finalizer and loses ours", async () => {
    const deletionTimestamp = "2026-11-01T12:00:00Z";
    putMachine({ deletionTimestamp });
    await writeBackTo(kubernetes, {
      kind: "provider-patch",
      ...target,
      addFinalizers: [finalizer],
    });
    expect(changes()).toEqual([]);
    putMachine({ deletionTimestamp, finalizers: [finalizer] });
    await writeBackTo(kubernetes, {
      kind: "provider-patch",
      ...target,
      removeFinalizers: [finalizer],
    });
    expect(kubernetes.objects.has(machine)).toBe(false);
  });

  test("gets its whole status, once", async () => {
    const before = putMachine();
    const status = { initialization: { provisioned: true } };
    const write = { kind: "provider-status", ...target, status } as const;
    await writeBackTo(kubernetes, write);
    expect(changes()).toMatchObject([
      {
        method: "PUT",
        path: `${machine}/status?fieldManager=farrier`,
        body: {
          kind: "Metal3Machine",
          metadata: { uid: "w-1", resourceVersion: before.metadata.resourceVersion },
        },
      },
    ]);
    expect(kubernetes.objects.get(machine)?.["status"]).toEqual(status);
    await writeBackTo(kubernetes, write);
    expect(changes()).toHaveLength(1);
  });

  test("has Events of its own kind's controller", async () => {
    const apiVersion = "infrastructure.cluster.x-k8s.io/v1beta2";
    await writeBackTo(kubernetes, {
      kind: "event",
      namespace: "horses",
      name: "w1",
      uid: "w-1",
      about: { apiVersion, kind: "Metal3Machine" },
      eventName: "w1.1",
      type: "Normal",
      reason: "Associated",
      message: "host m1",
      atMs: 0,
    });
    expect(kubernetes.objects.get("/api/v1/namespaces/horses/events/w1.1")).toMatchObject({
      involvedObject: { apiVersion, kind: "Metal3Machine", name: "w1", uid: "w-1" },
      source: { component: "metal3machine-controller" },
      reportingComponent: "infrastructure.cluster.x-k8s.io/metal3machine-controller",
    });
  });
});

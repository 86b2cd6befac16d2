// What a watch has shown is written from without being read; nothing else follows from it.
import { beforeEach, expect, test } from "vitest";
import { FakeKubernetes } from "../../test/support/fake-kubernetes.ts";
import { openNodeDatabase } from "../adapters/node-database.ts";
import { prepareDatabase } from "../link/database.ts";
import { makeNewestSeen } from "./newest-seen.ts";
import { ShownObjects } from "./shown-objects.ts";
import { writeBackTo, type KubernetesWrite } from "./writes/write-back.ts";

const hosts = "/apis/metal3.io/v1alpha1/baremetalhosts";
const host = "/apis/metal3.io/v1alpha1/namespaces/horses/baremetalhosts/m1";
const target = { namespace: "horses", name: "m1", uid: "host-1" };
const consumer = { apiVersion: "v1", kind: "Metal3Machine", namespace: "horses", name: "w1" };
const claim = {
  kind: "host-patch",
  ...target,
  consumer,
  spec: { consumerRef: consumer },
} satisfies KubernetesWrite;

let kubernetes: FakeKubernetes;
let shown: ShownObjects;
let stop: AbortController;
beforeEach(() => {
  kubernetes = new FakeKubernetes();
  shown = new ShownObjects();
  stop = new AbortController();
  void shown.listeningTo(kubernetes).watch(hosts, () => undefined, stop.signal);
  put({});
});

const put = (spec: object, uid = "host-1") =>
  kubernetes.put(host, {
    metadata: { ...target, uid, managedFields: [{ manager: "kubectl" }] },
    spec,
    status: { poweredOn: false },
  });
/** The watch hears nothing of what happens meanwhile. */
function unheard(happens: () => void): void {
  stop.abort();
  happens();
}
const write = (what: KubernetesWrite = claim) => writeBackTo(kubernetes, what, shown);
const asked = () => kubernetes.requests.map(({ method }) => method).join(" ");
const specOf = () => kubernetes.objects.get(host)?.["spec"];

test("a host that was shown is patched at once, and again from what the answer showed", async () => {
  expect(await write()).toEqual({ ok: true });
  stop.abort();
  expect(await write({ ...claim, spec: { online: true } })).toEqual({ ok: true });
  expect(asked()).toBe("PATCH PATCH");
  expect(specOf()).toEqual({ consumerRef: consumer, online: true });
});

test("no list is taken that is older than the answer to a write", async () => {
  const database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  const newest = makeNewestSeen(database);
  shown = new ShownObjects(newest);
  await write();
  const now = BigInt(String(kubernetes.objects.get(host)?.metadata.resourceVersion));
  expect(newest.accepts("baremetalhosts", String(now - 1n))).toBe(false);
  expect(newest.accepts("baremetalhosts", String(now))).toBe(true);
  expect(newest.unanswered("baremetalhosts")).toEqual([]);
  kubernetes.refuse = ({ method }) => (method === "GET" ? undefined : "unreachable");
  await write({ ...claim, spec: { online: true } });
  expect(newest.unanswered("baremetalhosts").map(({ path }) => path)).toContain(host);
});

test("a status is written whole, without who wrote which field", async () => {
  const status = { poweredOn: true } as never;
  expect(await write({ kind: "status", ...target, status })).toEqual({ ok: true });
  expect(asked()).toBe("PUT");
  expect(kubernetes.objects.get(host)).toMatchObject({ spec: {}, status });
  expect(JSON.stringify(kubernetes.requests)).not.toContain("managedFields");
});

test("a status about an older generation than the one that was shown is not written", async () => {
  const about = (observedGeneration: number) => ({
    conditions: [{ type: "Ready", status: "True", observedGeneration }],
  });
  kubernetes.put(host, { metadata: { ...target, generation: 3 }, spec: {}, status: about(3) });
  const status = { poweredOn: true, ...about(2) } as never;
  expect(await write({ kind: "status", ...target, status })).toMatchObject({ ok: false });
  expect(asked()).toBe("GET");
});

test("a host that is another by now is read, and written or left alone as it is", async () => {
  unheard(() => put({ online: true }));
  expect(await write()).toEqual({ ok: true });
  expect(asked()).toBe("PATCH GET PATCH");
  expect(specOf()).toEqual({ online: true, consumerRef: consumer });
  put({ consumerRef: { ...consumer, name: "other" } });
  kubernetes.requests.length = 0;
  expect(await write()).toMatchObject({ ok: false, retry: false });
  expect(asked()).toBe("GET");
});

test("a host that is another by now is written as the watch shows it by then, once more", async () => {
  let others = 1;
  kubernetes.refuse = ({ method }) => {
    if (method === "PATCH" && (others -= 1) >= 0) put({ online: others > 0 });
    return undefined;
  };
  expect(await write()).toEqual({ ok: true });
  expect(asked()).toBe("PATCH PATCH");
  expect(specOf()).toEqual({ online: false, consumerRef: consumer });
  put({});
  others = 2;
  kubernetes.requests.length = 0;
  expect(await write()).toEqual({ ok: true });
  expect(asked()).toBe("PATCH PATCH GET PATCH");
});

test("that there is nothing to write is not believed of what was shown", async () => {
  put({ consumerRef: consumer });
  unheard(() => put({}));
  expect(await write()).toEqual({ ok: true });
  expect(asked()).toBe("GET PATCH");
  expect(specOf()).toEqual({ consumerRef: consumer });
});

test("that it may not be written is not believed of what was shown", async () => {
  put({ consumerRef: { ...consumer, name: "other" } });
  unheard(() => put({}));
  expect(await write()).toEqual({ ok: true });
  expect(specOf()).toEqual({ consumerRef: consumer });
});

test("a host that is gone, or another of its name, is left alone", async () => {
  unheard(() => kubernetes.remove(host));
  expect(await write()).toEqual({ ok: true });
  put({}, "host-2");
  expect(await write()).toEqual({ ok: true });
  expect(specOf()).toEqual({});
});

test("what is deleted before the eyes of the watch is forgotten", async () => {
  kubernetes.remove(host);
  expect(shown.at(host)).toBeUndefined();
  expect(await write()).toEqual({ ok: true });
  expect(asked()).toBe("GET");
});

test("for a label of a Secret the host that was shown does, for owning it the host is read", async () => {
  const secret = "/api/v1/namespaces/horses/secrets/m1";
  const metadata = { namespace: "horses", name: "m1", uid: "s-1" };
  kubernetes.put(secret, { metadata });
  const secretName = "m1";
  const labelled = { kind: "label-secret", ...target, secretName, labels: { a: "b" } } as const;
  const claimed = { kind: "claim-secret", ...target, secretName, purpose: "userData" } as const;
  expect(await write(labelled)).toEqual({ ok: true });
  expect(asked()).toBe("GET PATCH");
  expect(await write(claimed)).toEqual({ ok: true });
  expect(asked()).toBe("GET PATCH GET PATCH");
  expect(await write(claimed)).toEqual({ ok: true });
  expect(asked()).toBe("GET PATCH GET PATCH GET");
  kubernetes.requests.length = 0;
  unheard(() => kubernetes.remove(host));
  expect(await write({ ...claimed, purpose: "bmc" })).toEqual({ ok: true });
  expect(asked()).toBe("GET GET");
  expect(kubernetes.objects.get(secret)?.metadata).not.toHaveProperty("ownerReferences");
});

import { beforeEach, expect, test } from "vitest";
import { FakeKubernetes } from "../../../test/support/fake-kubernetes.ts";
import { writeMachineSet } from "./write-machine-set.ts";

const folder = "/apis/machine.openshift.io/v1beta1/namespaces/metal";
const set = `${folder}/machinesets/workers`;
const machine = (name: string) => `${folder}/machines/${name}`;
const labels = { pool: "workers" };
const spec = { providerSpec: { value: { anything: ["at", "all"] } } };
const owner = {
  apiVersion: "machine.openshift.io/v1beta1",
  kind: "MachineSet",
  name: "workers",
  uid: "set-1",
  controller: true,
  blockOwnerDeletion: true,
};

let kubernetes: FakeKubernetes;
beforeEach(() => {
  kubernetes = new FakeKubernetes();
  putSet();
});

function putSet(metadata: object = {}): void {
  kubernetes.put(set, {
    metadata: { name: "workers", namespace: "metal", uid: "set-1", generation: 3, ...metadata },
    spec: { template: { metadata: { labels, name: "never" }, spec } },
  });
}

function putMachine(name: string, metadata: object = {}): void {
  kubernetes.put(machine(name), {
    metadata: { name, namespace: "metal", uid: `uid-${name}`, ...metadata },
  });
}

const write = (over: object) =>
  writeMachineSet(kubernetes, {
    kind: "machine-set",
    namespace: "metal",
    name: "workers",
    uid: "set-1",
    generation: 3,
    make: [],
    remove: [],
    adopt: [],
    ...over,
  });
const named = (name: string) => ({ name, uid: `uid-${name}` });

test("writeMachineSet makes Machines from the template, once", async () => {
  expect(await write({ make: ["workers-a", "workers-b"] })).toEqual({ ok: true });
  expect(kubernetes.objects.get(machine("workers-a"))).toMatchObject({
    apiVersion: "machine.openshift.io/v1beta1",
    kind: "Machine",
    metadata: { name: "workers-a", namespace: "metal", labels, ownerReferences: [owner] },
    spec,
  });
  const before = JSON.stringify([...kubernetes.objects]);
  expect(await write({ make: ["workers-a", "workers-b"] })).toEqual({ ok: true });
  expect(JSON.stringify([...kubernetes.objects])).toBe(before);
});

test.each([
  ["another generation", { generation: 4 }],
  ["another uid", { uid: "set-2" }],
  ["a deletion", { deletionTimestamp: "2026-11-01T12:00:00Z", finalizers: ["foregroundDeletion"] }],
])("writeMachineSet does nothing for a MachineSet with %s", async (_what, metadata) => {
  putMachine("workers-b");
  putSet(metadata);
  const before = JSON.stringify([...kubernetes.objects]);
  expect(await write({ make: ["workers-a"], remove: [named("workers-b")] })).toEqual({ ok: true });
  expect(JSON.stringify([...kubernetes.objects])).toBe(before);
});

test("writeMachineSet deletes the Machine that was meant, and no other of its name", async () => {
  putMachine("workers-a");
  putMachine("workers-b", { uid: "later" });
  const remove = [named("workers-a"), named("workers-b"), named("workers-gone")];
  expect(await write({ remove })).toEqual({ ok: true });
  expect(kubernetes.objects.has(machine("workers-a"))).toBe(false);
  expect(kubernetes.objects.has(machine("workers-b"))).toBe(true);
});

test("writeMachineSet takes a Machine of nobody for the MachineSet's, and leaves that of another", async () => {
  const other = { ...owner, name: "others", uid: "set-2" };
  putMachine("orphan");
  putMachine("others", { ownerReferences: [other] });
  expect(await write({ adopt: [named("orphan"), named("others")] })).toEqual({ ok: true });
  expect(kubernetes.objects.get(machine("orphan"))).toMatchObject({
    metadata: { ownerReferences: [owner] },
  });
  expect(kubernetes.objects.get(machine("others"))).toMatchObject({
    metadata: { ownerReferences: [other] },
  });
});

test.each([
  [403, false],
  [503, true],
])("writeMachineSet tells a refusal (%i) from one that may pass (%s)", async (status, retry) => {
  kubernetes.refuse = ({ method }) => (method === "POST" ? status : undefined);
  expect(await write({ make: ["workers-a"] })).toMatchObject({ ok: false, retry });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { makeHostView } from "../../../test/support/machine-world.ts";
import type { MachineSetSnapshot, Member } from "../snapshot.ts";
import type { NodeFact } from "../../protocol/facts/node-fact.ts";
import type { WriteBack } from "../../protocol/write-back.ts";
import { openShiftMachineSet } from "../machine-set.ts";
import { decideMachineSet } from "./decide-machine-set.ts";

const nowMs = Date.parse("2026-11-01T12:00:00Z");
const labels = { pool: "workers" };
const uid = "set-1";
const owner = {
  apiVersion: "machine.openshift.io/v1beta1",
  kind: "MachineSet",
  name: "workers",
  uid,
  controller: true,
};

function machineSet(spec: object = {}, metadata: object = {}) {
  return openShiftMachineSet.parse({
    apiVersion: "machine.openshift.io/v1beta1",
    kind: "MachineSet",
    metadata: {
      name: "workers",
      namespace: "metal",
      uid,
      resourceVersion: "1",
      generation: 3,
      ...metadata,
    },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels } },
      ...spec,
    },
  });
}

function member(name: string, metadata: object = {}, node?: NodeFact): Member {
  const own = { name, namespace: "metal", uid: `uid-${name}`, resourceVersion: "1" };
  return {
    object: { metadata: { ...own, labels, ownerReferences: [owner], ...metadata } },
    node,
  };
}

function snapshot(fields: Partial<MachineSetSnapshot> = {}): MachineSetSnapshot {
  return {
    kind: "machine-set",
    resource: "machinesets.machine.openshift.io",
    nowMs,
    object: machineSet(),
    deleted: false,
    memory: undefined,
    members: [],
    hosts: [],
    ...fields,
  };
}

type Order = Extract<WriteBack, { kind: "machine-set" }>;
const orderOf = ({ writes }: { readonly writes: readonly WriteBack[] }): Order | undefined =>
  writes.find((write): write is Order => write.kind === "machine-set");
const statusOf = ({ writes }: { readonly writes: readonly WriteBack[] }) =>
  writes.find((write) => write.kind === "provider-status")?.status;

test("decideMachineSet makes what is missing, under names that stay the same", () => {
  const first = decideMachineSet(snapshot());
  const made = orderOf(first)?.make ?? [];
  expect(made).toHaveLength(2);
  for (const name of made) expect(name).toMatch(/^workers-[b-df-hj-np-tv-z2-9]{5}$/);
  expect(orderOf(first)).toMatchObject({ generation: 3, remove: [], adopt: [] });
  // Nothing was seen yet: the same order.
  const again = decideMachineSet(snapshot({ memory: first.memory }));
  expect(orderOf(again)?.make).toEqual(made);
  // One was seen.
  const [seen = "", other = ""] = made;
  const half = decideMachineSet(snapshot({ memory: first.memory, members: [member(seen)] }));
  expect(orderOf(half)?.make).toEqual([other]);
  const whole = snapshot({ memory: half.memory, members: [member(seen), member(other)] });
  expect(orderOf(decideMachineSet(whole))).toMatchObject({ make: [], remove: [] });
  const settled = decideMachineSet({ ...whole, memory: decideMachineSet(whole).memory });
  expect(orderOf(settled)).toBeUndefined();
});

test("decideMachineSet makes and deletes a hundred at a time: a frame carries no more", () => {
  const many = decideMachineSet(snapshot({ object: machineSet({ replicas: 250 }) }));
  expect(new Set(orderOf(many)?.make).size).toBe(100);
  const members = (orderOf(many)?.make ?? []).map((name) => member(name));
  const next = decideMachineSet(
    snapshot({ object: machineSet({ replicas: 250 }), members, memory: many.memory }),
  );
  expect(orderOf(next)?.make.length).toBe(100);
  const all = Array.from({ length: 250 }, (_none, at) => member(`m-${at}`));
  const none = machineSet({ replicas: 0 });
  const fewer = decideMachineSet(snapshot({ object: none, members: all }));
  expect(orderOf(fewer)?.remove.length).toBe(100);
  const same = decideMachineSet(snapshot({ object: none, members: all, memory: fewer.memory }));
  expect(orderOf(same)?.remove).toEqual(orderOf(fewer)?.remove);
});

test("decideMachineSet makes another name where one is somebody else's", () => {
  const [first = ""] = orderOf(decideMachineSet(snapshot()))?.make ?? [];
  const members = [member(first, { ownerReferences: [], labels: {} })];
  const made = orderOf(decideMachineSet(snapshot({ members })))?.make;
  expect(made).toHaveLength(2);
  expect(made).not.toContain(first);
});

test("decideMachineSet deletes what is too much, once", () => {
  const members = ["a", "b", "c"].map((name) => member(name));
  const object = machineSet({ replicas: 1 });
  const first = decideMachineSet(snapshot({ object, members }));
  expect(orderOf(first)?.remove.map(({ name }) => name)).toEqual(["a", "b"]);
  // What it would choose now changes nothing about what was ordered.
  const marked = { annotations: { "machine.openshift.io/delete-machine": "yes" } };
  const later = [member("a"), member("b"), member("c", marked)];
  const again = decideMachineSet(snapshot({ object, members: later, memory: first.memory }));
  expect(orderOf(again)?.remove.map(({ name }) => name)).toEqual(["a", "b"]);
  const going = { deletionTimestamp: "2026-11-01T12:00:00Z" };
  const seen = [member("a", going), member("b", going), member("c")];
  const done = decideMachineSet(snapshot({ object, members: seen, memory: again.memory }));
  expect(orderOf(done)).toMatchObject({ make: [], remove: [] });
  expect(done.memory.set).toMatchObject({ leaving: [] });
});

test("decideMachineSet keeps what it ordered to be deleted, and wants again before that is shown", () => {
  const members = ["a", "b"].map((name) => member(name));
  const none = decideMachineSet(snapshot({ object: machineSet({ replicas: 0 }), members }));
  expect(orderOf(none)?.remove.map(({ name }) => name)).toEqual(["a", "b"]);
  // The order was bound to what was wanted then: nobody knows whether it was done.
  const object = machineSet({ replicas: 1 }, { generation: 4 });
  const one = decideMachineSet(snapshot({ object, members, memory: none.memory }));
  expect(orderOf(one)).toMatchObject({ make: [], remove: [{ name: "a" }] });
  const going = { deletionTimestamp: "2026-11-01T12:00:00Z" };
  const shown = [member("a", going), member("b", going)];
  const anew = decideMachineSet(snapshot({ object, members: shown, memory: one.memory }));
  expect(orderOf(anew)).toMatchObject({ make: [expect.any(String)], remove: [] });
});

test("decideMachineSet takes matching Machines of nobody for its own, and leaves those of others", () => {
  const orphan = member("orphan", { ownerReferences: [] });
  const others = member("others", { ownerReferences: [{ ...owner, uid: "set-2" }] });
  const stranger = member("stranger", { ownerReferences: [], labels: {} });
  const order = orderOf(decideMachineSet(snapshot({ members: [orphan, others, stranger] })));
  expect(order?.adopt).toEqual([{ name: "orphan", uid: "uid-orphan" }]);
  expect(order?.make).toHaveLength(1);
});

test("decideMachineSet counts replicas, labels, Nodes that are Ready, and how long they are", () => {
  const ready = (readySince: string): NodeFact => ({
    machineUid: "",
    outcome: "linked",
    readySince,
  });
  const members = [
    member("a", {}, ready("2026-11-01T11:59:00Z")),
    member("b", {}, ready("2026-11-01T11:59:50Z")),
    member("c", { labels: { ...labels, extra: "x" } }, { machineUid: "", outcome: "linked" }),
    member("d", { deletionTimestamp: "2026-11-01T11:00:00Z" }, ready("2026-11-01T11:00:00Z")),
  ];
  const template = { metadata: { labels: { ...labels, extra: "x" } } };
  const object = machineSet({ replicas: 3, minReadySeconds: 30, template });
  const decision = decideMachineSet(snapshot({ object, members }));
  expect(statusOf(decision)).toEqual({
    replicas: 3,
    fullyLabeledReplicas: 1,
    readyReplicas: 2,
    availableReplicas: 1,
    observedGeneration: 3,
    labelSelector: "pool=workers",
  });
  expect(decision.next).toMatchObject({ kind: "wait", wakeAtMs: nowMs + 20_000 });
});

test.each([
  [{ selector: {} }, "spec.selector is empty"],
  [{ selector: { matchLabels: { pool: "other" } } }, "do not match spec.selector (pool=other)"],
  [
    { selector: { matchExpressions: [{ key: "pool", operator: "Near", values: [] }] } },
    'spec.selector: the operator "Near"',
  ],
])("decideMachineSet makes nothing by a selector that cannot be: %j", (spec, message) => {
  const decision = decideMachineSet(snapshot({ object: machineSet(spec) }));
  expect(orderOf(decision)).toBeUndefined();
  expect(statusOf(decision)).toMatchObject({
    errorReason: "InvalidConfiguration",
    errorMessage: expect.stringContaining(message) as string,
  });
  expect(decision.writes).toContainEqual(
    expect.objectContaining({ kind: "event", type: "Warning", reason: "InvalidConfiguration" }),
  );
  // Mended, it works.
  const status = statusOf(decision) as object;
  const mended = { ...machineSet(), status };
  expect(statusOf(decideMachineSet(snapshot({ object: mended })))).not.toHaveProperty(
    "errorReason",
  );
});

test("decideMachineSet follows the hosts that fit, and counts those that its own Machines have [M80]", () => {
  const metadata = { annotations: { "metal3.io/autoscale-to-hosts": "" } };
  const value = {
    apiVersion: "baremetal.cluster.k8s.io/v1alpha1",
    kind: "BareMetalMachineProviderSpec",
    hostSelector: { matchLabels: { rack: "a" } },
  };
  const template = { metadata: { labels }, spec: { providerSpec: { value } } };
  const consumer = (kind: string, name: string) => ({
    spec: { consumerRef: { apiVersion: "machine.openshift.io/v1beta1", kind, name } },
  });
  const rack = { labels: { rack: "a" } };
  const hosts = [
    makeHostView("free", rack),
    makeHostView("own", { ...rack, ...consumer("Machine", "a") }),
    makeHostView("others", { ...rack, ...consumer("Machine", "z") }),
    makeHostView("leaving", { ...rack, deleting: true }),
    makeHostView("master", { ...rack, spec: { externallyProvisioned: true } }),
    makeHostView("far"),
  ];
  const members = [member("a")];
  const object = machineSet({ replicas: 1, template }, metadata);
  const decision = decideMachineSet(snapshot({ object, members, hosts }));
  expect(decision.writes).toContainEqual(
    expect.objectContaining({ kind: "provider-patch", spec: { replicas: 2 } }),
  );
  expect(decision.next).toMatchObject({
    awaited: expect.arrayContaining(["free-host"]) as string[],
  });
  const as = machineSet({ replicas: 2, template }, metadata);
  const kept = decideMachineSet(snapshot({ object: as, members, hosts }));
  expect(kept.writes.map(({ kind }) => kind)).not.toContain("provider-patch");
});

test("decideMachineSet leaves one that is being deleted, or kept by cluster-api, alone", () => {
  const deleted = machineSet({}, { deletionTimestamp: "2026-11-01T12:00:00Z" });
  expect(decideMachineSet(snapshot({ object: deleted })).writes).toEqual([]);
  const moved = machineSet({ authoritativeAPI: "ClusterAPI" });
  expect(decideMachineSet(snapshot({ object: moved })).writes).toEqual([]);
  expect(decideMachineSet(snapshot({ deleted: true })).next).toEqual({ kind: "gone" });
});

/** Orders arrive late, twice or never again; what Kubernetes shows lags behind. */
test("decideMachineSet never has more Machines than were wanted, however orders and feeds are delayed", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("decide" as const) }),
    fc.record({ kind: fc.constant("show" as const) }),
    fc.record({ kind: fc.constant("deliver" as const), at: fc.nat(30) }),
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 0, max: 4 }),
      (steps, replicas) => {
        const object = machineSet({ replicas });
        const there = new Set<string>();
        const orders: Order[] = [];
        let shown: readonly string[] = [];
        let { memory } = snapshot();
        const decide = () => {
          const members = shown.map((name) => member(name));
          const decision = decideMachineSet(snapshot({ object, members, memory }));
          ({ memory } = decision);
          const order = orderOf(decision);
          if (order !== undefined) orders.push(order);
        };
        const deliver = (order: Order | undefined) => {
          for (const name of order?.make ?? []) there.add(name);
          expect(order?.remove ?? []).toEqual([]);
        };
        for (const each of steps) {
          if (each.kind === "decide") decide();
          else if (each.kind === "show") shown = [...there];
          else deliver(orders[each.at]);
          expect(there.size).toBeLessThanOrEqual(replicas);
        }
        decide();
        deliver(orders.at(-1));
        shown = [...there];
        decide();
        expect(there.size).toBe(replicas);
      },
    ),
    { seed: 5, numRuns: 200 },
  );
});

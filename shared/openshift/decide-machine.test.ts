import { expect, test } from "vitest";
import { makeHostView, makeSnapshot } from "../../test/support/machine-world.ts";
import type { MachineDecision } from "../machine/decision.ts";
import type { HostView } from "../machine/snapshot.ts";
import type { OpenShiftMachineSnapshot } from "./snapshot.ts";
import type { NodeFact } from "../protocol/facts/node-fact.ts";
import { decideOpenShiftMachine } from "./decide-machine.ts";
import { openShiftMachine, type OpenShiftMachineStatus } from "./machine.ts";

const nowMs = Date.parse("2026-11-01T12:00:00Z");
const uid = "machine-1";
const finalizers = ["machine.machine.openshift.io"];
const deletionTimestamp = "2026-11-01T12:00:00Z";
const providerID = "baremetalhost:///metal/h1/uid-h1";
const consumerRef = {
  apiVersion: "machine.openshift.io/v1beta1",
  kind: "Machine",
  name: "worker-1",
  namespace: "metal",
};
const image = { url: "http://images.example/a.qcow2", checksum: "a".repeat(32) };
const linked: NodeFact = {
  machineUid: uid,
  outcome: "linked",
  nodeName: "n1",
  nodeUid: "uid-n1",
  providerID,
};
const nodeRef = { kind: "Node", name: "n1", uid: "uid-n1" };

interface Choice {
  readonly metadata?: object;
  readonly spec?: object;
  readonly status?: OpenShiftMachineStatus;
  readonly wanted?: object;
}

function snapshot(
  { metadata, spec, status, wanted = { image } }: Choice = {},
  fields: Partial<OpenShiftMachineSnapshot> = {},
): OpenShiftMachineSnapshot {
  const machine = openShiftMachine.parse({
    apiVersion: "machine.openshift.io/v1beta1",
    kind: "Machine",
    metadata: {
      name: "worker-1",
      namespace: "metal",
      uid,
      resourceVersion: "1",
      finalizers,
      ...metadata,
    },
    spec: { ...spec },
    status,
  });
  const id = machine.spec.providerID;
  return {
    ...makeSnapshot({ coreCluster: undefined, owner: undefined, metal3Cluster: undefined }),
    kind: "openshift-machine",
    resource: "machines.machine.openshift.io",
    nowMs,
    machine,
    object: {
      metadata: machine.metadata,
      spec: { ...wanted, ...(id === undefined ? {} : { providerID: id }) },
    },
    problem: undefined,
    ...fields,
  };
}

const owned = (fields: Partial<HostView> = {}) =>
  makeHostView("h1", {
    claimedBy: uid,
    state: "provisioned",
    ...fields,
    spec: { online: true, image, consumerRef, ...fields.spec },
  });
const statusOf = ({ memory }: MachineDecision) => memory.status as OpenShiftMachineStatus;
const conditionOf = (decision: MachineDecision, type: string) => {
  const found = statusOf(decision).conditions?.find((one) => one.type === type);
  return found === undefined ? undefined : `${found.status} ${found.reason ?? ""}`;
};
const writesOf = (decision: MachineDecision, kind: string) =>
  decision.writes.filter((write) => write.kind === kind);

test("decideOpenShiftMachine waits in words while no host is free, and is never Failed", () => {
  const hosts = [
    makeHostView("m0", { spec: { externallyProvisioned: true }, state: "externally provisioned" }),
  ];
  const decision = decideOpenShiftMachine(snapshot({}, { hosts }));
  expect(statusOf(decision)).toMatchObject({ phase: "Provisioning" });
  expect(statusOf(decision)).not.toHaveProperty("errorReason");
  expect(conditionOf(decision, "InstanceExists")).toBe("False NoHostAvailable");
  expect(decision.because.message).toContain("1 is externally provisioned (m0)");
  expect(decision.next).toMatchObject({
    awaited: expect.arrayContaining(["free-host"]) as unknown,
  });
});

test("decideOpenShiftMachine claims a host, and becomes its consumer [M79]", () => {
  const free = makeHostView("h1");
  expect(decideOpenShiftMachine(snapshot({}, { hosts: [free] })).claim).toEqual(["uid-h1"]);
  const decision = decideOpenShiftMachine(snapshot({}, { host: { ...free, claimedBy: uid } }));
  expect(writesOf(decision, "host-patch")).toMatchObject([
    { consumer: consumerRef, spec: { consumerRef, online: true }, deploySpec: { image } },
  ]);
  expect(writesOf(decision, "label-secret")).toEqual([]);
});

test.each([
  [{}, undefined, "Provisioning"],
  [{ spec: { providerID } }, undefined, "Provisioned"],
  [{ spec: { providerID } }, linked, "Running"],
  [
    { spec: { providerID } },
    { ...linked, providerID: "baremetalhost:///metal/h2/x" },
    "Provisioned",
  ],
  [{ spec: { providerID }, metadata: { deletionTimestamp } }, linked, "Deleting"],
] as const)("decideOpenShiftMachine tells the phase [M79] %#", (choice, node, phase) => {
  const host = owned({
    hardware: undefined,
    state: phase === "Provisioning" ? "provisioning" : "provisioned",
  });
  const decision = decideOpenShiftMachine(snapshot(choice, { host, node }));
  expect(statusOf(decision).phase).toBe(phase);
});

test("decideOpenShiftMachine shows its host's state, its providerID and its Node [M79]", () => {
  const decision = decideOpenShiftMachine(snapshot({}, { host: owned() }));
  expect(writesOf(decision, "provider-patch")).toMatchObject([
    {
      resource: "machines.machine.openshift.io",
      spec: { providerID },
      annotations: {
        "metal3.io/BareMetalHost": "metal/h1",
        "machine.openshift.io/instance-state": "provisioned",
      },
    },
  ]);
  const running = decideOpenShiftMachine(
    snapshot({ spec: { providerID } }, { host: owned(), node: linked }),
  );
  expect(statusOf(running)).toMatchObject({
    nodeRef,
    addresses: [{ address: "192.0.2.7" }, {}, {}],
  });
  expect(conditionOf(running, "InstanceExists")).toBe("True ");
});

test("decideOpenShiftMachine goes on asking about its Node, less often once it is Ready", () => {
  const choice = { spec: { providerID } };
  const asked = decideOpenShiftMachine(snapshot(choice, { host: owned(), node: linked }));
  expect(writesOf(asked, "link-node")).toMatchObject([
    { addresses: ["192.0.2.7"], mayWrite: true },
  ]);
  expect(writesOf(asked, "link-node")[0]).not.toHaveProperty("clusterName");
  expect(asked.next).toMatchObject({ wakeAtMs: nowMs + 10_000 });
  const node = { ...linked, readySince: "2026-11-01T11:00:00Z" };
  const ready = decideOpenShiftMachine(
    snapshot(choice, { host: owned(), node, memory: asked.memory }),
  );
  expect(writesOf(ready, "link-node")).toEqual([]);
  expect(ready.next).toMatchObject({ wakeAtMs: nowMs + 60_000 });
});

test("decideOpenShiftMachine gives its Node its name, labels and taints", () => {
  const taint = { key: "gpu", effect: "NoSchedule" };
  const spec = { providerID, metadata: { labels: { role: "worker" } }, taints: [taint] };
  const asked = decideOpenShiftMachine(snapshot({ spec }, { host: owned() }));
  expect(writesOf(asked, "link-node")).toMatchObject([
    {
      marks: {
        labels: { role: "worker" },
        annotations: { "machine.openshift.io/machine": "metal/worker-1" },
        taints: [taint],
      },
    },
  ]);
});

test("decideOpenShiftMachine leaves the system of a host that somebody else provisioned", () => {
  const spec = { externallyProvisioned: true, image: undefined };
  const host = owned({ state: "externally provisioned", spec });
  const decision = decideOpenShiftMachine(snapshot({}, { host }));
  expect(writesOf(decision, "host-patch")).toEqual([]);
  expect(writesOf(decision, "provider-patch")).toMatchObject([{ spec: { providerID } }]);
});

test.each([
  [false, "InvalidProviderSpec"],
  [true, "ForeignProviderSpec"],
])(
  "decideOpenShiftMachine waits with a provider spec that it cannot follow (foreign: %s)",
  (isForeign, reason) => {
    const problem = { isForeign, message: "spec.providerSpec.value: look here" };
    const choice = { metadata: { finalizers: [] }, wanted: {} };
    const decision = decideOpenShiftMachine(
      snapshot(choice, { problem, hosts: [makeHostView("h1")] }),
    );
    expect(decision.claim).toBeUndefined();
    expect(writesOf(decision, "provider-patch")).toEqual([]);
    expect(conditionOf(decision, "InstanceExists")).toBe(`False ${reason}`);
    expect(writesOf(decision, "event")).toMatchObject([{ reason, type: "Warning" }]);
    const { memory } = decision;
    const mended = decideOpenShiftMachine(snapshot({}, { hosts: [makeHostView("h1")], memory }));
    expect(mended.claim).toEqual(["uid-h1"]);
  },
);

test("decideOpenShiftMachine leaves one of another provider alone that has a status of its own", () => {
  const problem = { isForeign: true, message: "look here" };
  const status = { phase: "Running", nodeRef };
  const decision = decideOpenShiftMachine(snapshot({ status, wanted: {} }, { problem }));
  expect(decision).toMatchObject({ writes: [], next: { kind: "settled" } });
});

test("decideOpenShiftMachine leaves one that cluster-api keeps by now alone", () => {
  const choice = { spec: { authoritativeAPI: "ClusterAPI" } };
  const decision = decideOpenShiftMachine(snapshot(choice, { hosts: [makeHostView("h1")] }));
  expect(decision).toMatchObject({ writes: [], next: { kind: "settled" } });
});

const going = { metadata: { deletionTimestamp }, spec: { providerID }, status: { nodeRef } };
const hook = [{ name: "quorum", owner: "etcd" }];
const leaving = (choice: Choice, fields: Partial<OpenShiftMachineSnapshot> = {}) =>
  decideOpenShiftMachine(snapshot({ ...going, ...choice }, { host: owned(), ...fields }));

test("decideOpenShiftMachine waits for the hook before the drain, then drains, then for the hook before the end", () => {
  const both = { lifecycleHooks: { preDrain: hook, preTerminate: hook } };
  const held = leaving({ spec: { providerID, ...both } }, { node: linked });
  expect(held.because).toMatchObject({ reason: "HookPresent" });
  expect(held.because.message).toContain("quorum of etcd");
  expect(conditionOf(held, "Drainable")).toBe("False HookPresent");
  expect(writesOf(held, "leave-node")).toEqual([]);

  const spec = { providerID, lifecycleHooks: { preTerminate: hook } };
  const draining = leaving({ spec }, { node: linked });
  expect(writesOf(draining, "leave-node")).toMatchObject([
    { act: "drain", nodeName: "n1", nodeUid: "uid-n1" },
  ]);
  expect(conditionOf(draining, "Drained")).toBe("False Draining");
  expect(draining.next).toMatchObject({ wakeAtMs: nowMs + 5_000 });

  const node = { ...linked, podsLeft: 2, message: "pod a/b is ending" };
  const waiting = leaving({ spec }, { node, memory: draining.memory });
  expect(writesOf(waiting, "leave-node")).toEqual([]);
  expect(waiting.because.message).toContain("2 pods to leave Node n1: pod a/b is ending");

  const drained = leaving({ spec }, { node: { ...linked, podsLeft: 0 }, memory: waiting.memory });
  expect(conditionOf(drained, "Drained")).toBe("True Drained");
  expect(conditionOf(drained, "Terminable")).toBe("False HookPresent");
  expect(writesOf(drained, "host-patch")).toEqual([]);

  // What comes to the Node later does not count any more.
  const emptied = leaving({}, { node: { ...linked, podsLeft: 1 }, memory: drained.memory });
  expect(writesOf(emptied, "host-patch")).toMatchObject([{ spec: { image: null, online: false } }]);
});

test.each(["problem", "conflict"] as const)(
  "decideOpenShiftMachine drains the Node that it knew when the last word about it is a %s",
  (outcome) => {
    const node = { machineUid: uid, outcome, message: "no answer" };
    const decision = leaving({}, { node });
    expect(writesOf(decision, "leave-node")).toMatchObject([{ act: "drain", nodeName: "n1" }]);
    expect(writesOf(decision, "host-patch")).toEqual([]);
    const live = { spec: { providerID }, status: { nodeRef } };
    expect(statusOf(decideOpenShiftMachine(snapshot(live, { host: owned(), node })))).toMatchObject(
      {
        phase: "Running",
        nodeRef,
      },
    );
  },
);

test.each([
  [
    { annotations: { "machine.openshift.io/exclude-node-draining": "" } },
    linked,
    "True DrainSkipped",
  ],
  [{}, { machineUid: uid, outcome: "missing" } as const, "True NoNode"],
])("decideOpenShiftMachine drains no Node with %j", (more, node, expected) => {
  const decision = leaving({ metadata: { deletionTimestamp, ...more } }, { node });
  expect(conditionOf(decision, "Drained")).toBe(expected);
  expect(writesOf(decision, "leave-node")).toEqual([]);
  expect(writesOf(decision, "host-patch")).toHaveLength(1);
});

test("decideOpenShiftMachine drains a Node that joins while the host still has its image", () => {
  const node = { machineUid: uid, outcome: "missing" } as const;
  const { memory } = leaving({}, { node });
  const joined = leaving({}, { node: linked, memory });
  expect(conditionOf(joined, "Drained")).toBe("False Draining");
  expect(writesOf(joined, "host-patch")).toEqual([]);
  const emptied = makeHostView("h1", {
    claimedBy: uid,
    state: "deprovisioning",
    spec: { online: false, consumerRef },
  });
  const late = leaving({}, { node: linked, memory, host: emptied });
  expect(conditionOf(late, "Drained")).toBe("True NoNode");
  expect(writesOf(late, "leave-node")).toEqual([]);
});

test("decideOpenShiftMachine deletes the Node when the host is let go, and ends when it is gone", () => {
  const conditions = [
    { type: "Drained", status: "True", lastTransitionTime: "2026-11-01T11:59:00Z" },
  ];
  const choice = { ...going, status: { nodeRef, conditions } };
  const free = { host: undefined, hosts: [] };
  const deleting = leaving(choice, free);
  expect(writesOf(deleting, "leave-node")).toMatchObject([{ act: "delete", nodeName: "n1" }]);
  expect(JSON.stringify(deleting.writes)).not.toContain("removeFinalizers");
  const node = { machineUid: uid, outcome: "missing" } as const;
  const ended = leaving(choice, { ...free, node, memory: deleting.memory });
  expect(writesOf(ended, "provider-patch")).toMatchObject([{ removeFinalizers: finalizers }]);
});

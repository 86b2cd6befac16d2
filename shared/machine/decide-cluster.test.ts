// The life of a Metal3Cluster: nothing is made for it, but cluster-api waits for its word.
import { expect, test } from "vitest";
import { makeCoreCluster, makeMetal3Cluster } from "../../test/support/machine-world.ts";
import { metal3Cluster } from "../capm3/v1beta2/metal3-cluster.ts";
import { decideCluster } from "./decide-cluster.ts";
import type { ClusterSnapshot } from "./snapshot.ts";

const finalizers = ["metal3cluster.infrastructure.cluster.x-k8s.io"];
const deletionTimestamp = "2026-11-01T13:00:00Z";

function makeSnapshot(fields: Partial<ClusterSnapshot> = {}): ClusterSnapshot {
  return {
    kind: "cluster",
    resource: "metal3clusters",
    nowMs: Date.parse("2026-11-01T12:00:00Z"),
    object: makeMetal3Cluster({}, { finalizers }),
    deleted: false,
    memory: undefined,
    coreCluster: makeCoreCluster(),
    machines: [],
    ...fields,
  };
}

function decided(fields: Partial<ClusterSnapshot> = {}) {
  const decision = decideCluster(makeSnapshot(fields));
  const { conditions = [] } = metal3Cluster.shape.status.parse(decision.memory.status) ?? {};
  const condition = (type: string) => conditions.find((one) => one.type === type);
  return { ...decision, status: decision.memory.status, condition };
}

test("decideCluster calls a Metal3Cluster provisioned once its endpoint is known [M07]", () => {
  const failureDomains = [{ name: "rack-a", controlPlane: true }, { name: "rack-b" }];
  const object = makeMetal3Cluster({ failureDomains }, { finalizers });
  const { status, condition, next, writes } = decided({ object });
  expect(next).toEqual({ kind: "settled" });
  expect(writes.map(({ kind }) => kind)).toEqual(["provider-status"]);
  expect(status).toMatchObject({ initialization: { provisioned: true }, failureDomains });
  expect(condition("BaremetalInfrastructureReady")).toMatchObject({
    status: "True",
    reason: "BaremetalInfrastructureReady",
  });
  expect(condition("Ready")).toMatchObject({ status: "True", reason: "Metal3ClusterReady" });
  expect(condition("Paused")).toMatchObject({ status: "False", reason: "NotPaused" });
  expect(status).toMatchObject({
    deprecated: {
      v1beta1: {
        conditions: [
          { type: "Ready", status: "True" },
          { type: "BaremetalInfrastructureReady", status: "True" },
        ],
      },
    },
  });
});

test("decideCluster writes nothing when Kubernetes shows it, and drops failure domains that are gone", () => {
  const first = decided({
    object: makeMetal3Cluster({ failureDomains: [{ name: "a" }] }, { finalizers }),
  });
  const plain = makeMetal3Cluster({}, { finalizers });
  const memory = first.memory;
  const dropped = decided({ object: { ...plain, status: first.status }, memory });
  expect(dropped.status).not.toHaveProperty("failureDomains");
  const shown = { ...plain, status: dropped.status };
  const later = makeSnapshot().nowMs + 3_600_000;
  const again = decided({ object: shown, memory: dropped.memory, nowMs: later });
  expect(again.writes).toEqual([]);
  expect(again.memory).toEqual(dropped.memory);
});

test("decideCluster reads a missing port as 6443 and writes it [M05]", () => {
  const object = makeMetal3Cluster({ controlPlaneEndpoint: { host: "192.0.2.1" } }, { finalizers });
  const { status, writes } = decided({ object });
  expect(status).toMatchObject({ initialization: { provisioned: true } });
  expect(writes[0]).toMatchObject({
    kind: "provider-patch",
    resource: "metal3clusters",
    spec: { controlPlaneEndpoint: { port: 6443 } },
  });
});

test("decideCluster asks for the endpoint's address, and is not provisioned without", () => {
  const object = makeMetal3Cluster({ controlPlaneEndpoint: { port: 6443 } }, { finalizers });
  const { status, condition, writes } = decided({ object });
  expect(status).not.toHaveProperty("initialization");
  expect(condition("BaremetalInfrastructureReady")).toMatchObject({
    status: "False",
    reason: "ControlPlaneEndpointFailed",
  });
  expect(writes.filter(({ kind }) => kind === "event")).toMatchObject([
    { reason: "ControlPlaneEndpointFailed", about: { kind: "Metal3Cluster" } },
  ]);
});

test("decideCluster waits for the Cluster that owns it, and then adds its finalizer", () => {
  const object = makeMetal3Cluster();
  const without = decided({ object, coreCluster: undefined });
  expect(without.condition("BaremetalInfrastructureReady")?.reason).toBe("FailedToGetOwnerCluster");
  expect(decided({ object }).writes[0]).toMatchObject({
    kind: "provider-patch",
    addFinalizers: finalizers,
  });
});

test("decideCluster keeps its finalizer while Machines are left [M08]", () => {
  const object = makeMetal3Cluster({}, { finalizers, deletionTimestamp });
  const waits = decided({ object, machines: ["w4", "w2", "w1", "w3"] });
  expect(waits.next).toEqual({ kind: "wait", awaited: ["machines"] });
  expect(waits.because.message).toBe("waits for 4 Machines of the Cluster to go: w1, w2, w3, …");
  expect(waits.condition("BaremetalInfrastructureReady")?.reason).toBe("Deleting");
  expect(waits.writes.map(({ kind }) => kind)).toEqual(["provider-status"]);
  const { writes } = decided({ object });
  expect(writes[0]).toMatchObject({ kind: "provider-patch", removeFinalizers: finalizers });
  expect(decided({ object, deleted: true }).next).toEqual({ kind: "gone" });
});

test("decideCluster touches nothing of a cluster that another system manages", () => {
  const annotations = { "cluster.x-k8s.io/managed-by": "somebody" };
  expect(decided({ object: makeMetal3Cluster({}, { annotations }) })).toMatchObject({
    writes: [],
    next: { kind: "settled" },
    because: { reason: "ManagedElsewhere" },
  });
});

test.each([
  ["the object", { annotations: { "cluster.x-k8s.io/paused": "" } }, {}],
  ["its Cluster", {}, { paused: true }],
])(
  "decideCluster moves nothing while %s is paused, deletion included [M68]",
  (_, metadata, spec) => {
    const object = makeMetal3Cluster({}, { finalizers, deletionTimestamp, ...metadata });
    const paused = decided({ object, coreCluster: makeCoreCluster(spec) });
    expect(paused.condition("Paused")).toMatchObject({ status: "True", reason: "Paused" });
    expect(paused.writes.map(({ kind }) => kind)).toEqual(["provider-status"]);
  },
);

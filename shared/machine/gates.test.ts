// What a machine waits for before it looks at hosts, in order, and how a pause holds it.
import { expect, test } from "vitest";
import {
  makeCoreCluster,
  makeCoreMachine,
  makeHostView,
  MachineWorld,
} from "../../test/support/machine-world.ts";

function told(world: MachineWorld) {
  const { next, because } = world.settleAndTell();
  const condition = world.condition("AssociateBareMetalHost");
  const deprecated = world.seen.object.status?.deprecated?.v1beta1?.conditions ?? [];
  const old = deprecated.find(({ type }) => type === "AssociateBMH");
  expect(world.claimed).toBeUndefined();
  expect(condition).toMatchObject({ status: "False", reason: because.reason });
  expect(next).toEqual({ kind: "wait", awaited: ["object"] });
  return [condition?.reason, condition?.message, old?.reason, old?.severity];
}

test("a machine waits for its Machine, its Cluster, the Metal3Cluster and the bootstrap data in turn [M15]", () => {
  const world = new MachineWorld([makeHostView("m1")], {
    owner: undefined,
    coreCluster: undefined,
    metal3Cluster: undefined,
  });
  expect(told(world)).toEqual([
    "WaitingForMetal3MachineOwnerRef",
    "waits for cluster-api to name the Machine that owns it",
    "WaitingForM3MachineOwnerRef",
    "Info",
  ]);
  world.seen.owner = makeCoreMachine({ bootstrap: {} });
  expect(told(world)).toEqual([
    "WaitingForClusterInfrastructureReady",
    "waits for the infrastructure of Cluster east, which does not exist",
    "WaitingForClusterInfrastructure",
    "Info",
  ]);
  world.seen.coreCluster = makeCoreCluster({}, false);
  expect(told(world)[1]).toBe("waits for the infrastructure of Cluster east");
  world.seen.coreCluster = makeCoreCluster();
  // Meanwhile: nothing else is to be waited for when the last gate opens.
  expect(world.seen.object.metadata.finalizers).toEqual([
    "metal3machine.infrastructure.cluster.x-k8s.io",
  ]);
  expect(told(world).slice(0, 2)).toEqual([
    "WaitingforMetal3Cluster",
    "waits for Metal3Cluster east",
  ]);
  world.seen.metal3Cluster = new MachineWorld([]).seen.metal3Cluster;
  expect(told(world)).toEqual([
    "WaitingForBootstrapData",
    "waits for the bootstrap data: spec.bootstrap.dataSecretName of Machine worker-1",
    "WaitingForBootstrapReady",
    "Info",
  ]);
  world.seen.owner = makeCoreMachine();
  world.settle();
  expect(world.claimed?.name).toBe("m1");
});

test("a machine takes core's word in its deprecated conditions as well", () => {
  const conditions = (type: string) => ({
    deprecated: { v1beta1: { conditions: [{ type, status: "True" }] } },
  });
  const configRef = { kind: "KubeadmConfig", name: "worker-1-config" };
  const world = new MachineWorld([makeHostView("m1")], {
    coreCluster: { ...makeCoreCluster(), status: conditions("InfrastructureReady") },
    owner: makeCoreMachine({ bootstrap: { configRef } }),
  });
  expect(told(world)[1]).toBe(
    "waits for the bootstrap data from KubeadmConfig worker-1-config: spec.bootstrap.dataSecretName of Machine worker-1",
  );
  world.seen.owner = makeCoreMachine({ bootstrap: { configRef } }, conditions("BootstrapReady"));
  world.settle();
  expect(world.host("m1").spec.userData).toEqual({ name: "worker-1-config", namespace: "metal" });
});

test("a paused machine says so, moves nothing, and goes on where it was [M68]", () => {
  const world = new MachineWorld([makeHostView("m1")]);
  world.settle();
  world.setSpec("m1", { online: false });
  world.seen.coreCluster = makeCoreCluster({ paused: true });
  expect(world.settle()).toMatchObject({ next: { kind: "settled" }, writes: [] });
  expect(world.condition("Paused")).toMatchObject({ status: "True", reason: "Paused" });
  expect(world.condition("AssociateBareMetalHost")).toMatchObject({
    status: "False",
    reason: "Paused",
  });
  world.setObject({ deletionTimestamp: "2026-11-01T13:00:00Z" });
  world.settle();
  expect(world.host("m1").spec.image).toBeDefined();
  expect(world.host("m1").spec.online).toBe(false);
  world.setObject({ deletionTimestamp: undefined });
  world.seen.coreCluster = makeCoreCluster();
  world.settle();
  expect(world.condition("Paused")).toMatchObject({ status: "False", reason: "NotPaused" });
  expect(world.host("m1").spec.online).toBe(true);
});

test("a machine prefers the failure domain of its Machine and copies it", () => {
  const labels = { "infrastructure.cluster.x-k8s.io/failure-domain": "rack-a" };
  const world = new MachineWorld(
    [makeHostView("m1"), makeHostView("m2", { labels }), makeHostView("m3")],
    { owner: makeCoreMachine({ failureDomain: "rack-a" }) },
  );
  world.settle();
  expect(world.seen.object.spec.failureDomain).toBe("rack-a");
  expect(world.claimed?.name).toBe("m2");
});

// The plain life of a Metal3Machine, from nothing to a linked Node and back, against a Kubernetes in memory. The
// names in brackets are rows of the reference's checklist.
import { expect, test } from "vitest";
import {
  machineImage,
  machineUid,
  makeHostView,
  makeCoreMachine,
  MachineWorld,
} from "../../test/support/machine-world.ts";

function provisionedWorld(): MachineWorld {
  const world = new MachineWorld([makeHostView("m1")]);
  for (let round = 0; round < 3; round += 1) {
    world.settle();
    world.runHosts();
  }
  world.settle();
  return world;
}

test("decideMachine claims a host, writes what it wants of it and provisions it [M28 M29 M30 M31 M50 M54]", () => {
  const world = new MachineWorld([makeHostView("m1")]);
  world.settle();
  expect(world.claimed?.name).toBe("m1");
  expect(world.host("m1").spec).toEqual({
    bmc: { address: "ipmi://192.0.2.10", credentialsName: "m1-bmc" },
    consumerRef: {
      apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
      kind: "Metal3Machine",
      name: "worker-1",
      namespace: "metal",
    },
    online: true,
    image: {
      url: machineImage.url,
      checksum: machineImage.checksum,
      checksumType: "sha256",
      format: "qcow2",
    },
    userData: { name: "worker-1-bootstrap", namespace: "metal" },
  });
  expect(world.host("m1").labels).toEqual({ "cluster.x-k8s.io/cluster-name": "east" });
  expect(world.writes.filter(({ kind }) => kind === "label-secret")).toEqual([
    {
      kind: "label-secret",
      namespace: "metal",
      name: "m1",
      uid: "uid-m1",
      secretName: "m1-bmc",
      labels: { "cluster.x-k8s.io/cluster-name": "east" },
    },
  ]);
  const { metadata } = world.seen.object;
  expect(metadata.annotations).toEqual({ "metal3.io/BareMetalHost": "metal/m1" });
  expect(metadata.finalizers).toEqual(["metal3machine.infrastructure.cluster.x-k8s.io"]);
  expect(world.seen.object.spec.providerID).toBeUndefined();
  world.runHosts();
  world.settle();
  expect(world.seen.object.status?.initialization).toBeUndefined();
  world.runHosts();
  world.settle();
  expect(world.seen.object.spec.providerID).toBe("metal3://metal/m1/worker-1");
  expect(world.seen.object.status).toMatchObject({
    initialization: { provisioned: true },
    addresses: [
      { type: "InternalIP", address: "192.0.2.7" },
      { type: "Hostname", address: "m1" },
      { type: "InternalDNS", address: "m1" },
    ],
  });
  expect(world.condition("Ready")).toMatchObject({ status: "True", reason: "Metal3MachineReady" });
});

test("decideMachine asks for the Node less and less often until it is linked, and then for nothing [M51]", () => {
  const world = provisionedWorld();
  const asks = () => world.writes.filter(({ kind }) => kind === "link-node").length;
  expect(asks()).toBe(1);
  const waits = [10_000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000];
  for (const [at, waitMs] of waits.entries()) {
    const wakeAtMs = world.seen.nowMs + waitMs;
    expect(world.settle().next).toMatchObject({ kind: "wait", wakeAtMs });
    world.seen.nowMs = wakeAtMs - 1;
    world.settle();
    expect(asks()).toBe(at + 1);
    world.seen.nowMs = wakeAtMs;
    world.settle();
    expect(asks()).toBe(at + 2);
  }
  const asked = asks();
  world.seen.node = {
    machineUid,
    outcome: "linked",
    nodeName: "m1",
    providerID: "metal3://metal/m1/worker-1",
  };
  world.settle();
  world.seen.nowMs += 3_600_000;
  const last = world.settle();
  expect(last).toMatchObject({ writes: [], next: { kind: "settled" } });
  expect(asks()).toBe(asked);
  expect(world.condition("farrier.dev/Node")).toMatchObject({ status: "True" });
});

test("decideMachine settles on core's own word about the Node", () => {
  const world = provisionedWorld();
  world.seen.owner = makeCoreMachine({}, { nodeRef: { name: "m1" } });
  expect(world.settle().next).toEqual({ kind: "settled" });
});

test("decideMachine empties its host, waits for that and leaves it when the machine is deleted [M58 M62]", () => {
  const world = provisionedWorld();
  world.setObject({ deletionTimestamp: "2026-11-01T13:00:00Z" });
  world.settle();
  const { spec } = world.host("m1");
  expect(spec.image).toBeUndefined();
  expect(spec.userData).toBeUndefined();
  expect(spec.online).toBe(false);
  expect(spec.consumerRef).toBeDefined();
  world.runHosts();
  world.settle();
  expect(world.host("m1").spec.consumerRef).toBeDefined();
  expect(world.seen.deleted).toBe(false);
  world.runHosts();
  world.settle();
  expect(world.host("m1")).toMatchObject({ labels: {}, state: "available" });
  expect(world.host("m1").spec.consumerRef).toBeUndefined();
  expect(world.claimed).toBeUndefined();
  expect(world.seen.deleted).toBe(true);
  expect(world.decide().next).toEqual({ kind: "gone" });
});

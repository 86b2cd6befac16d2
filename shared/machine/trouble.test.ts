// What goes wrong around a machine: each is told by a condition and by one Event, takes nothing from anybody, and is
// over by itself when its cause is.
import { expect, test } from "vitest";
import {
  machineUid,
  makeCoreMachine,
  makeHostView,
  makeMachine,
  MachineWorld,
} from "../../test/support/machine-world.ts";
import type { HostView } from "./snapshot.ts";

const somebody = { apiVersion: "v1", kind: "ConfigMap", namespace: "metal", name: "somebody" };
const deletionTimestamp = "2026-11-01T13:00:00Z";

function worldAt(state: "written" | "provisioned", hosts = [makeHostView("m1")]): MachineWorld {
  const world = new MachineWorld(hosts);
  world.settle();
  if (state === "written") return world;
  for (let round = 0; round < 2; round += 1) {
    world.runHosts();
    world.settle();
  }
  return world;
}

function reason(world: MachineWorld): unknown {
  const { status, reason: why } = world.condition("AssociateBareMetalHost") ?? {};
  return [status, why];
}

const failed = ["False", "AssociateBareMetalHostFailed"];
const succeeded = ["True", "AssociateBareMetalHostSuccess"];

test("an operator that is not known is told, and chooses no host until it is corrected [M17]", () => {
  const hostSelector = {
    matchExpressions: [{ key: "rack", operator: "Near", values: ["a"] }],
  };
  const world = new MachineWorld([makeHostView("m1", { labels: { rack: "a" } })], {
    object: makeMachine({ hostSelector }),
  });
  const decision = world.settle();
  expect(decision.because.message).toBe(
    'spec.hostSelector: the operator "Near" for the label "rack" is not known; use In, NotIn, Exists or DoesNotExist',
  );
  expect(reason(world)).toEqual(failed);
  expect(world.events()).toEqual(["InvalidHostSelector"]);
  expect(decision.next).toEqual({ kind: "wait", awaited: ["object"] });
  world.setObject(
    {},
    { hostSelector: { matchExpressions: [{ key: "rack", operator: "in", values: ["a"] }] } },
  );
  world.settle();
  expect(reason(world)).toEqual(succeeded);
});

test("a selector that matches nothing is told with the label that would do, and a labelled host heals it [M17 M26]", () => {
  const world = new MachineWorld([makeHostView("m1"), makeHostView("m2")], {
    object: makeMachine({ hostSelector: { matchLabels: { rack: "a" } } }),
  });
  const decision = world.settle();
  expect(decision.because.message).toBe(
    "no available host found: 2 hosts looked at: 2 do not match spec.hostSelector (m1, m2); add or free a host, or label one with rack=a",
  );
  expect(decision.next).toMatchObject({ kind: "wait", awaited: ["free-host", "object"] });
  world.seen.nowMs += 3_600_000;
  expect(world.settle().writes).toEqual([]);
  expect(world.events()).toEqual(["NoHostAvailable"]);
  world.setHost("m2", { labels: { rack: "a" } });
  world.settle();
  expect(world.claimed?.name).toBe("m2");
});

test("a machine without image and customDeploy claims nothing [M11]", () => {
  const world = new MachineWorld([makeHostView("m1")]);
  world.setObject({}, { image: null });
  const { because } = world.settle();
  expect(because.message).toBe("spec.image is required, or customDeploy; give one of them");
  expect(world.claimed).toBeUndefined();
  expect(world.events()).toEqual(["InvalidSpec"]);
  world.setObject({}, { customDeploy: { method: "install" } });
  world.settle();
  expect(world.host("m1").spec).toMatchObject({ customDeploy: { method: "install" } });
});

test("what the host says of a missing bootstrap Secret is said of the machine", () => {
  const world = worldAt("written");
  world.setHost("m1", {
    state: "provisioning",
    errorMessage: "Secret metal/worker-1-bootstrap is missing; create it",
  });
  world.settleAndTell();
  expect(world.condition("AssociateBareMetalHost")).toMatchObject({
    status: "True",
    message: "host metal/m1 is provisioning: Secret metal/worker-1-bootstrap is missing; create it",
  });
  world.seen.nowMs += 60_000;
  world.settle();
  expect(world.events()).toEqual(["HostChosen", "HostError"]);
  world.setHost("m1", { state: "provisioned", errorMessage: "" });
  world.settle();
  expect(world.seen.object.status?.initialization).toEqual({ provisioned: true });
});

test("two Nodes with one uuid are a conflict until one is gone [M52]", () => {
  const world = worldAt("provisioned");
  const fact = { machineUid, providerID: "metal3://metal/m1/worker-1" };
  world.seen.node = { ...fact, outcome: "conflict", message: "Nodes a and b both have it" };
  world.settle();
  expect(world.condition("farrier.dev/Node")).toMatchObject({
    status: "False",
    reason: "NodeConflict",
    message: "Nodes a and b both have it",
  });
  const deprecated = world.seen.object.status?.deprecated?.v1beta1?.conditions ?? [];
  expect(deprecated.find(({ type }) => type === "KubernetesNodeReady")).toMatchObject({
    status: "False",
    severity: "Error",
    reason: "SettingProviderIDOnNodeFailed",
    message: "Nodes a and b both have it",
  });
  const asks = () => world.writes.filter(({ kind }) => kind === "link-node").length;
  const before = asks();
  world.seen.nowMs += 30_000;
  world.settle();
  expect(asks()).toBe(before + 1);
  expect(world.events().filter((one) => one === "NodeConflict")).toHaveLength(1);
  expect(world.seen.object.status?.initialization).toEqual({ provisioned: true });
  world.seen.node = { ...fact, outcome: "linked", nodeName: "a" };
  expect(world.settle().next).toEqual({ kind: "settled" });
});

test("a workload cluster that cannot be asked is told, and asked again", () => {
  const world = worldAt("provisioned");
  const message = "Secret metal/east-kubeconfig is missing; create it";
  world.seen.node = { machineUid, outcome: "problem", message };
  const decision = world.settle();
  expect(decision.next).toMatchObject({ kind: "wait", wakeAtMs: world.seen.nowMs + 30_000 });
  expect(world.condition("farrier.dev/Node")).toMatchObject({
    reason: "WorkloadClusterUnreachable",
    message,
  });
  expect(world.events().at(-1)).toBe("WorkloadClusterUnreachable");
});

test("a host that is deleted before it was provisioned is replaced by another", () => {
  const world = worldAt("written", [makeHostView("m1")]);
  world.hosts.push(makeHostView("m2"));
  world.setHost("m1", { deleting: true });
  world.setSpec("m1", { image: null });
  world.settle();
  expect(world.host("m1").spec.image).toBeUndefined();
  expect(world.condition("AssociateBareMetalHost")?.message).toBe(
    "host metal/m1 is being deleted; another is chosen when it is gone",
  );
  world.setHost("m1", { gone: true });
  world.settle();
  expect(world.events()).toEqual(["HostChosen", "HostDeleting", "HostGone", "HostChosen"]);
  expect(world.claimed?.name).toBe("m2");
  expect(world.seen.object.metadata.annotations).toEqual({ "metal3.io/BareMetalHost": "metal/m2" });
});

test("a host that is deleted under its machine is told, not replaced, and the machine can be deleted [M61]", () => {
  const world = worldAt("provisioned");
  world.setHost("m1", { deleting: true, gone: true });
  world.hosts.push(makeHostView("m2"));
  world.settleAndTell();
  expect(world.claimed).toBeUndefined();
  expect(reason(world)).toEqual(failed);
  expect(world.condition("AssociateBareMetalHost")?.message).toBe(
    "no host has this machine as its consumer any more (it was metal/m1); delete its Machine to get another",
  );
  world.hosts.splice(0, 1);
  world.settle();
  expect(world.events().filter((one) => one === "HostGone")).toHaveLength(1);
  world.setObject({ deletionTimestamp });
  world.settle();
  expect(world.seen.deleted).toBe(true);
});

test("a consumerRef that is removed by hand is written again", () => {
  const world = worldAt("provisioned");
  world.setSpec("m1", { consumerRef: null });
  world.settle();
  expect(world.host("m1").spec.consumerRef).toMatchObject({ name: "worker-1" });
  expect(reason(world)).toEqual(succeeded);
  expect(world.events().filter((one) => one === "ConsumerRemoved")).toHaveLength(1);
});

test("a consumerRef that is given to somebody else is theirs; a machine that waits for its image gets another host", () => {
  const world = worldAt("written", [makeHostView("m1")]);
  world.hosts.push(makeHostView("m2"));
  world.setSpec("m1", { consumerRef: somebody });
  const taken: HostView = structuredClone(world.host("m1"));
  world.settle();
  expect(world.host("m1")).toEqual(taken);
  expect(world.claimed?.name).toBe("m2");
  expect(world.events()).toEqual(["HostChosen", "HostTaken", "HostChosen"]);
});

test("a provisioned machine whose host is given to somebody else says so, writes nothing there, and takes it back when it may", () => {
  const world = worldAt("provisioned");
  world.setSpec("m1", { consumerRef: somebody, online: false });
  world.settle();
  expect(world.host("m1").spec).toMatchObject({ consumerRef: somebody, online: false });
  expect(reason(world)).toEqual(failed);
  expect(world.condition("AssociateBareMetalHost")?.message).toContain(
    "host metal/m1 has another consumer now, ConfigMap metal/somebody",
  );
  world.setSpec("m1", { consumerRef: null });
  world.settle();
  expect(reason(world)).toEqual(succeeded);
  expect(world.host("m1").spec.online).toBe(true);
});

test("a deleted machine leaves a host alone that is somebody else's [M18]", () => {
  const world = worldAt("provisioned");
  world.setSpec("m1", { consumerRef: somebody });
  const taken = structuredClone(world.host("m1"));
  world.setObject({ deletionTimestamp });
  world.settle();
  expect(world.host("m1")).toEqual(taken);
  expect(world.seen.deleted).toBe(true);
});

test("a claim that turns out bad before anything was written is let go", () => {
  const world = new MachineWorld([makeHostView("m1")]);
  while (world.claimed === undefined) world.decide();
  world.setHost("m1", { errorMessage: "no answer" });
  const decision = world.decide();
  expect(decision).toMatchObject({ release: true, because: { reason: "HostUnfit" } });
  world.hosts.push(makeHostView("m2"));
  world.settle();
  expect(world.claimed?.name).toBe("m2");
  expect(world.host("m1").spec.consumerRef).toBeUndefined();
});

test("a machine that is deleted while its host is being written waits for the write and takes it back", () => {
  const world = new MachineWorld([makeHostView("m1")]);
  while (world.claimed === undefined) world.decide();
  world.isSlow = true;
  world.settle();
  world.send();
  world.setObject({ deletionTimestamp });
  const decision = world.settle();
  expect(decision.next).toMatchObject({ kind: "wait", awaited: ["host"] });
  expect(world.claimed?.name).toBe("m1");
  world.isSlow = false;
  world.catchUp();
  world.settle();
  expect(world.host("m1").spec).toMatchObject({ online: false });
  expect(world.host("m1").spec.image).toBeUndefined();
  expect(world.host("m1").spec.consumerRef).toBeUndefined();
  expect(world.seen.deleted).toBe(true);
});

test("an image that was ordered but not seen yet goes with the consumer", () => {
  const world = worldAt("written");
  world.setSpec("m1", { image: null });
  world.isSlow = true;
  world.decide();
  world.send();
  world.setSpec("m1", { online: false, userData: null });
  world.setObject({ deletionTimestamp });
  world.settle();
  world.isSlow = false;
  world.catchUp();
  world.settle();
  expect(world.host("m1").spec.image).toBeUndefined();
  expect(world.host("m1").spec.consumerRef).toBeUndefined();
});

test("a deleted machine takes back every host that names it", () => {
  const world = worldAt("provisioned");
  const { consumerRef } = world.host("m1").spec;
  world.hosts.push(makeHostView("m2", { spec: { online: true, consumerRef } }));
  world.setObject({ deletionTimestamp });
  for (let round = 0; round < 3; round += 1) {
    world.settle();
    world.runHosts();
  }
  expect(world.seen.deleted).toBe(true);
  expect(world.hosts.map(({ spec }) => spec.consumerRef)).toEqual([undefined, undefined]);
});

test("a machine whose Machine is being deleted gets no host", () => {
  const world = new MachineWorld([makeHostView("m1")]);
  const owner = makeCoreMachine();
  world.seen.owner = { ...owner, metadata: { ...owner.metadata, deletionTimestamp } };
  world.settle();
  expect(world.claimed).toBeUndefined();
});

const holds: readonly (readonly [string, Partial<HostView>])[] = [
  ["deploys", { spec: { online: true, image: { url: "http://own.example/image" } } }],
  ["pauses", { annotations: { "baremetalhost.metal3.io/paused": "" } }],
  ["declares external", { spec: { online: true, externallyProvisioned: true } }],
];

test.each(holds)(
  "a host that a person %s before its consumer is written is theirs, and the order is taken back",
  (_what, fields) => {
    for (const isDeleted of [false, true]) {
      const world = new MachineWorld([makeHostView("m1")]);
      while (world.claimed === undefined) world.decide();
      world.isSlow = true;
      expect(world.decide().writes.map(({ kind }) => kind)).toContain("host-patch");
      world.setHost("m1", fields);
      if (isDeleted) world.setObject({ deletionTimestamp });
      const decision = world.decide();
      expect(decision.release).toBe(true);
      world.catchUp();
      expect(world.host("m1")).toMatchObject(fields);
      expect(world.host("m1").spec.consumerRef).toBeUndefined();
    }
  },
);

// What a machine writes into its host, and what it takes out when it leaves.
import { expect, test } from "vitest";
import {
  machineUid,
  makeCoreMachine,
  makeHostView,
  makeMachine,
  makeMetal3Cluster,
  makeTemplate,
  MachineWorld,
} from "../../../test/support/machine-world.ts";
import type { HostView } from "../snapshot.ts";

const deletionTimestamp = "2026-11-01T13:00:00Z";

function worldWith(
  spec: object = {},
  host: Partial<HostView> = {},
  snapshot: ConstructorParameters<typeof MachineWorld>[1] = {},
): MachineWorld {
  const world = new MachineWorld([makeHostView("m1", host)], {
    object: makeMachine(spec),
    ...snapshot,
  });
  world.settle();
  return world;
}

function provision(world: MachineWorld): void {
  for (let round = 0; round < 2; round += 1) {
    world.runHosts();
    world.settle();
  }
}

test("the bootstrap data wins over spec.userData [M32]", () => {
  const world = worldWith({ userData: { name: "own" } });
  expect(world.host("m1").spec.userData).toEqual({
    name: "worker-1-bootstrap",
    namespace: "metal",
  });
  expect(world.seen.object.status?.userData).toEqual(world.host("m1").spec.userData);
});

test("with a dataTemplate the host is taken, and gets its image when the data is there [M33]", () => {
  const world = worldWith({ dataTemplate: { name: "data" } });
  expect(world.host("m1").spec.consumerRef).toBeDefined();
  expect(world.host("m1").spec.image).toBeUndefined();
  expect(world.condition("Metal3DataReady")).toMatchObject({
    status: "False",
    reason: "WaitingForMetal3Data",
  });
  const memory = world.seen.memory!;
  const metaData = { name: "worker-1-metadata" };
  world.seen.memory = {
    ...memory,
    status: { ...memory.status, renderedData: { name: "data-0" }, metaData },
  };
  world.settle();
  expect(world.host("m1").spec).toMatchObject({ image: { format: "qcow2" }, metaData });
});

test("an image that is there is not changed [M34]", () => {
  const world = worldWith();
  const before = world.host("m1").spec.image;
  world.setObject({}, { image: { url: "http://images.example/other.raw" } });
  expect(world.settle().writes).toEqual([]);
  expect(world.host("m1").spec.image).toEqual(before);
});

test("the cleaning mode of its template reaches a machine and its host at any time, unless the template is paused [M36]", () => {
  const world = worldWith({ automatedCleaningMode: "metadata" });
  provision(world);
  const template = (mode?: "metadata" | "disabled", annotations = {}) =>
    makeTemplate({ automatedCleaningMode: mode }, { annotations });
  const settled = () => {
    world.settle();
    const { spec } = world.seen.object;
    expect(world.host("m1").spec.automatedCleaningMode).toBe(spec.automatedCleaningMode);
    return spec.automatedCleaningMode;
  };
  world.seen.template = template();
  expect(settled()).toBe("metadata");
  world.seen.template = template("disabled", { "cluster.x-k8s.io/paused": "" });
  expect(settled()).toBe("metadata");
  world.seen.template = template("disabled");
  expect(settled()).toBe("disabled");
  world.seen.template = undefined;
  expect(settled()).toBe("disabled");
});

test("a host is switched on again, and cleaned as the machine says, at any time [M35 M36]", () => {
  const world = worldWith();
  provision(world);
  world.setSpec("m1", { online: false });
  world.setObject({}, { automatedCleaningMode: "disabled" });
  world.settle();
  expect(world.host("m1").spec).toMatchObject({ online: true, automatedCleaningMode: "disabled" });
});

test("a host that names the machine is taken back whatever is with it, and noted again [M23]", () => {
  const world = worldWith();
  provision(world);
  world.loseDatabase();
  world.setObject({ annotations: {} });
  world.setHost("m1", { errorMessage: "no answer" });
  world.hosts.unshift(makeHostView("m0"));
  world.settle();
  expect(world.claimed?.name).toBe("m1");
  expect(world.seen.object.metadata.annotations).toEqual({ "metal3.io/BareMetalHost": "metal/m1" });
  expect(world.seen.object.spec.providerID).toBe("metal3://metal/m1/worker-1");
});

test("a host of an older version's reference is the machine's too", () => {
  const consumerRef = {
    apiVersion: "infrastructure.cluster.x-k8s.io/v1beta1",
    kind: "Metal3Machine",
    name: "worker-1",
    namespace: "metal",
  };
  const world = worldWith({}, { spec: { online: true, consumerRef } });
  expect(world.claimed?.name).toBe("m1");
  expect(world.host("m1").spec.consumerRef).toEqual(consumerRef);
});

test("an empty reference names nobody, and one without a namespace is into the host's own, as for the cluster link", () => {
  const empty = worldWith({}, { spec: { consumerRef: { name: "" } } });
  expect(empty.claimed?.name).toBe("m1");
  expect(empty.host("m1").spec.consumerRef).toMatchObject({ name: "worker-1" });
  const consumerRef = {
    apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
    kind: "Metal3Machine",
    name: "worker-1",
  };
  const own = worldWith({}, { state: "provisioned", spec: { online: true, consumerRef } });
  expect(own.claimed?.name).toBe("m1");
});

test("with a cloud provider the Node tells the providerID, and nothing is provisioned before [M53]", () => {
  const metal3Cluster = makeMetal3Cluster({ cloudProviderEnabled: true });
  const world = worldWith({}, {}, { metal3Cluster });
  provision(world);
  expect(world.seen.object.spec.providerID).toBeUndefined();
  expect(world.seen.object.status?.initialization).toBeUndefined();
  expect(world.writes.find(({ kind }) => kind === "link-node")).toMatchObject({ mayWrite: false });
  const providerID = "cloud://rack/7";
  world.seen.node = { machineUid, outcome: "linked", nodeName: "m1", providerID };
  expect(world.settle().next).toEqual({ kind: "settled" });
  expect(world.seen.object.spec.providerID).toBe(providerID);
  expect(world.seen.object.status?.initialization).toEqual({ provisioned: true });
});

test("addresses are each named once, and never too many [M54]", () => {
  const nics = Array.from({ length: 40 }, (_, index) => ({ ip: `192.0.2.${index % 35}` }));
  const world = worldWith({}, { hardware: { hostname: "m1", nics } });
  provision(world);
  const { addresses = [] } = world.seen.object.status ?? {};
  expect(addresses).toHaveLength(32);
  expect(new Set(addresses.map(({ type, address }) => `${type} ${address}`)).size).toBe(32);
  expect(addresses.slice(-2)).toEqual([
    { type: "Hostname", address: "m1" },
    { type: "InternalDNS", address: "m1" },
  ]);
});

test("a released host stays on where it may not be switched off [M59]", () => {
  const world = worldWith();
  provision(world);
  world.setSpec("m1", { disablePowerOff: true });
  world.setObject({ deletionTimestamp });
  world.settle();
  expect(world.host("m1").spec).toMatchObject({ online: true });
  expect(world.host("m1").spec.image).toBeUndefined();
});

test("an externally provisioned host is left when it is off [M60]", () => {
  const world = worldWith();
  world.setHost("m1", { state: "externally provisioned", poweredOn: true });
  world.setObject({ deletionTimestamp });
  world.settle();
  expect(world.host("m1").spec).toMatchObject({ online: false });
  expect(world.seen.deleted).toBe(false);
  world.setHost("m1", { poweredOn: false });
  world.settle();
  expect(world.host("m1").spec.consumerRef).toBeUndefined();
  expect(world.seen.deleted).toBe(true);
});

test("references that the machine brought go with it, the host's own stay, and its own pause goes [M58 M62]", () => {
  const world = worldWith(
    { metaData: { name: "meta" } },
    { spec: { ...makeHostView("m1").spec, networkData: { name: "own" } } },
  );
  expect(world.host("m1").spec.metaData).toEqual({ name: "meta" });
  world.setHost("m1", {
    annotations: { "baremetalhost.metal3.io/paused": "metal3.io/capm3", other: "x" },
  });
  world.setObject({ deletionTimestamp });
  world.settle();
  expect(world.host("m1")).toMatchObject({
    labels: {},
    annotations: { other: "x" },
    spec: { networkData: { name: "own" } },
  });
  expect(world.host("m1").annotations).toEqual({ other: "x" });
  expect(world.host("m1").spec.metaData).toBeUndefined();
  const unlabelled = world.writes.filter(({ kind }) => kind === "label-secret").at(-1);
  expect(unlabelled).toMatchObject({ labels: { "cluster.x-k8s.io/cluster-name": null } });
});

test("a released host keeps the pause that a person gave it", () => {
  const world = worldWith();
  world.setHost("m1", { annotations: { "baremetalhost.metal3.io/paused": "" } });
  world.setObject({ deletionTimestamp });
  world.settle();
  expect(world.host("m1").annotations).toEqual({ "baremetalhost.metal3.io/paused": "" });
});

test("times of transitions stay while a status stays, and lastUpdated while nothing changes", () => {
  const world = worldWith();
  const times = () =>
    Object.fromEntries(
      (world.seen.object.status?.conditions ?? []).map((one) => [one.type, one.lastTransitionTime]),
    );
  const first = times();
  const updated = world.seen.object.status?.lastUpdated;
  world.seen.nowMs += 60_000;
  world.settle();
  expect(world.seen.object.status?.lastUpdated).toBe(updated);
  world.setHost("m1", { state: "provisioning", operation: "10 %" });
  world.settle();
  expect(times()).toEqual(first);
  expect(world.seen.object.status?.lastUpdated).toBe("2026-11-01T12:01:00Z");
  world.seen.owner = makeCoreMachine();
  world.setHost("m1", { state: "provisioned" });
  world.settle();
  expect(times()).toMatchObject({
    Ready: "2026-11-01T12:01:00Z",
    AssociateBareMetalHost: first["AssociateBareMetalHost"],
  });
});

test("a status that somebody else changed is written again, once it is seen", () => {
  const world = worldWith();
  const before = world.seen.object.status;
  world.seen.object = { ...world.seen.object, status: { conditions: [] } };
  world.settle();
  expect(world.seen.object.status).toEqual(before);
});

// kubectl scale, from no machine to one and back, with the core of cluster-api as it is released. The names in
// brackets are those of upstream's observable behaviours.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BareMetalHost } from "../../../shared/metal3/bare-metal-host.ts";
import type { HerdMachine } from "../herd/herd-plan.ts";
import { testNamespace } from "../host-watch.ts";
import { startMachineFleet, type MachineFleet } from "./machine-fleet.ts";
import {
  bootstrapSecretName,
  clusterName,
  machineSetName,
  templateName,
} from "./machine-objects.ts";
import { conditionOf, type Held } from "./machine-words.ts";

let world: MachineFleet;
let machine: HerdMachine;

const failureDomains = [{ name: "barn", controlPlane: true, attributes: { aisle: "1" } }];
const clusterLabel = "cluster.x-k8s.io/cluster-name";
const workers = `machineset/${machineSetName}`;

beforeAll(async () => {
  world = await startMachineFleet({
    machines: 1,
    metal3Cluster: { failureDomains },
    template: { userData: { name: "overridden" } },
  });
  const [first] = world.herd.machines;
  if (first === undefined) throw new Error("an empty herd");
  machine = first;
  await world.addHosts([machine]);
});
afterAll(async () => await world?.stop());

const isIn = (state: string) => (host: BareMetalHost) => host.status?.provisioning.state === state;
const untilIn = (state: string) =>
  world.fleet.hosts.until(machine.name, isIn(state), { timeoutMs: 60_000 });
const host = () => world.get(`bmh/${machine.name}`);

/** The one Machine and its Metal3Machine. */
async function pair(): Promise<{ readonly core: Held; readonly ours: Held }> {
  const [core] = await world.untilAll("machines", machineSetName, { count: 1 });
  const [ours] = await world.untilAll("metal3machines", machineSetName, { count: 1 });
  if (core === undefined || ours === undefined) throw new Error("no machine");
  return { core, ours };
}

describe("a Metal3Cluster", () => {
  it("is provisioned, with the failure domains of its spec [M07]", async () => {
    const { status, metadata } = await world.until(
      `metal3cluster/${clusterName}`,
      (held) => conditionOf(held, "Ready") === "True Metal3ClusterReady",
    );
    expect(status).toMatchObject({ initialization: { provisioned: true }, failureDomains });
    expect(metadata.finalizers).toContain("metal3cluster.infrastructure.cluster.x-k8s.io");
    await world.until(`cluster/${clusterName}`, (held) => {
      const { initialization } = held.status as { initialization?: Record<string, unknown> };
      return initialization?.["infrastructureProvisioned"] === true;
    });
  });
});

describe("scaling from 0 to 1", () => {
  it("claims the host, and says so on both sides [M14 M28 M30]", async () => {
    await world.scale(workers, 1);
    const { core, ours } = await pair();
    expect(ours.metadata.name).toBe(core.metadata.name);
    await world.until(
      `metal3machine/${ours.metadata.name}`,
      (held) =>
        conditionOf(held, "AssociateBareMetalHost") === "True AssociateBareMetalHostSuccess",
    );
    const { metadata, spec } = await host();
    expect(spec["consumerRef"]).toEqual({
      apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
      kind: "Metal3Machine",
      name: ours.metadata.name,
      namespace: testNamespace,
    });
    expect(metadata.labels).toMatchObject({ [clusterLabel]: clusterName });
    const told = await world.until(
      `metal3machine/${ours.metadata.name}`,
      ({ metadata: { annotations } }) => annotations?.["metal3.io/BareMetalHost"] !== undefined,
    );
    expect(told.metadata.annotations).toMatchObject({
      "metal3.io/BareMetalHost": `${testNamespace}/${machine.name}`,
      "cluster.x-k8s.io/cloned-from-name": templateName,
    });
    expect(told.metadata.finalizers).toContain("metal3machine.infrastructure.cluster.x-k8s.io");
  });

  it("labels the BMC's Secret with the Cluster [M29]", async () => {
    await world.until(
      `secret/${machine.name}`,
      ({ metadata }) => metadata.labels?.[clusterLabel] === clusterName,
    );
  });

  it("gives the host image and user data, and switches it on [M31 M32]", async () => {
    const { spec } = await world.until(
      `bmh/${machine.name}`,
      ({ spec: { image } }) => image !== undefined,
    );
    expect(spec).toMatchObject({
      image: { ...world.herd.image, format: "raw" },
      userData: { name: bootstrapSecretName, namespace: testNamespace },
      online: true,
    });
  });

  it("deploys it, and the Machine has its providerID and addresses [M50 M54]", async () => {
    const { status: hostStatus } = await untilIn("provisioned");
    const { ours } = await pair();
    const { name } = ours.metadata;
    const providerID = `metal3://${testNamespace}/${machine.name}/${name}`;
    // Two writes, so both are waited for.
    const { status } = await world.until(
      `metal3machine/${name}`,
      (held) => held.spec["providerID"] === providerID && held.status?.["addresses"] !== undefined,
    );
    const address = hostStatus?.hardware?.nics?.[0]?.ip;
    expect(address).toMatch(/^192\.168\.100\./);
    expect(status?.["addresses"]).toContainEqual({ type: "InternalIP", address });
    await world.until(`machine/${name}`, ({ spec }) => spec["providerID"] === providerID);
  });

  it("links the Node when it joins, and the Machine runs [M51]", async () => {
    const { ours } = await pair();
    const { name } = ours.metadata;
    await world.join(machine);
    await world.until(
      `node/${machine.name}`,
      ({ spec }) => spec["providerID"] === `metal3://${testNamespace}/${machine.name}/${name}`,
    );
    const { status } = await world.until(
      `machine/${name}`,
      (held) => held.status?.["phase"] === "Running",
    );
    expect(status).toMatchObject({ nodeRef: { name: machine.name } });
    await world.until(
      `metal3machine/${name}`,
      (held) => conditionOf(held, "Ready") === "True Metal3MachineReady",
    );
    await world.until(workers, (held) => held.status?.["readyReplicas"] === 1);
  });
});

describe("a host that is in use", () => {
  it("keeps its image when the template's is another [M34]", async () => {
    const { spec: before } = await host();
    const { ours } = await pair();
    const image = { url: "http://images.example/other.raw", checksum: "f".repeat(64) };
    await world.patch(`metal3machine/${ours.metadata.name}`, { spec: { image } });
    // What comes after it in the feed was seen: so was this.
    await world.patch(`bmh/${machine.name}`, { spec: { online: false } });
    await world.until(`bmh/${machine.name}`, ({ spec }) => spec["online"] === true);
    const { spec } = await host();
    expect(spec["image"]).toEqual(before["image"]);
  });

  it("is switched on again by whoever uses it [M35]", async () => {
    await world.patch(`bmh/${machine.name}`, { spec: { online: false } });
    await world.until(`bmh/${machine.name}`, ({ spec }) => spec["online"] === true);
    await world.fleet.hosts.until(machine.name, ({ status }) => status?.poweredOn === true);
  });

  it("follows the cleaning mode of the template that its machine was made from [M36]", async () => {
    const { ours } = await pair();
    const spec = { automatedCleaningMode: "disabled" };
    await world.patch(`metal3machinetemplate/${templateName}`, { spec: { template: { spec } } });
    await world.until(
      `metal3machine/${ours.metadata.name}`,
      ({ spec: held }) => held["automatedCleaningMode"] === "disabled",
    );
    await world.until(
      `bmh/${machine.name}`,
      ({ spec: held }) => held["automatedCleaningMode"] === "disabled",
    );
  });
});

describe("scaling back to 0", () => {
  it("empties the host, and only then lets go of it [M58]", async () => {
    const { ours } = await pair();
    await world.scale(workers, 0);
    // As it was then: without a cleaning it is over at once.
    const { spec } = await untilIn("deprovisioning");
    expect(spec.consumerRef).toMatchObject({ name: ours.metadata.name });
    expect(spec).not.toHaveProperty("image");
    expect(spec).not.toHaveProperty("userData");
    expect(spec.online).toBe(false);
    await untilIn("available");
    await world.until(`bmh/${machine.name}`, ({ spec: held }) => held["consumerRef"] === undefined);
  });

  it("removes the Cluster's labels, both machines and the Node [M62]", async () => {
    await world.untilAll("metal3machines", machineSetName, { count: 0 });
    await world.untilAll("machines", machineSetName, { count: 0 });
    expect((await host()).metadata.labels ?? {}).not.toHaveProperty(clusterLabel);
    const secret = await world.until(
      `secret/${machine.name}`,
      ({ metadata }) => metadata.labels?.[clusterLabel] === undefined,
    );
    expect(secret.metadata.name).toBe(machine.name);
    expect(await world.fleet.kubectl(["get", "nodes", "--output=name"])).toBe("");
  });

  it("leaves a host for the next one", async () => {
    await world.scale(workers, 1);
    await untilIn("provisioned");
    await world.scale(workers, 0);
    await world.untilAll("machines", machineSetName, { count: 0 }, 120_000);
  });
});

describe("deleting the Cluster", () => {
  it("keeps the Metal3Cluster until its last Machine is gone [M08]", async () => {
    await world.scale(workers, 1);
    await untilIn("provisioned");
    await world.fleet.kubectl(["delete", `metal3cluster/${clusterName}`, "--wait=false"]);
    const held = await world.until(
      `metal3cluster/${clusterName}`,
      (seen) => conditionOf(seen, "BaremetalInfrastructureReady") === "False Deleting",
    );
    expect(held.metadata.deletionTimestamp).toBeDefined();
    await world.fleet.kubectl(["delete", workers, "--wait=false"]);
    await untilIn("available");
    await world.untilAll("machines", machineSetName, { count: 0 });
    const args = ["--for=delete", `metal3cluster/${clusterName}`, "--timeout=30s"];
    await world.fleet.kubectl(["wait", ...args]);
  });
});

// What a machine waits for before and after it has a host: cluster-api's word, and a cloud provider's. The names in
// brackets are those of upstream's observable behaviours.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HerdMachine } from "../herd/herd-plan.ts";
import { startMachineFleet, type MachineFleet } from "./machine-fleet.ts";
import { bootstrapSecretName, loneMachine, machineSetName } from "./machine-objects.ts";
import { conditionOf } from "./machine-words.ts";

let world: MachineFleet;
let machine: HerdMachine;

beforeAll(async () => {
  world = await startMachineFleet({
    machines: 1,
    metal3Cluster: { cloudProviderEnabled: true },
    leaveOut: ["Metal3Cluster"],
  });
  const [first] = world.herd.machines;
  if (first === undefined) throw new Error("an empty herd");
  machine = first;
});
afterAll(async () => await world?.stop());

const untilAssociation = (name: string, wanted: string) =>
  world.until(
    `metal3machine/${name}`,
    (held) => conditionOf(held, "AssociateBareMetalHost") === wanted,
  );

describe("a machine waits", () => {
  it("for its Cluster's infrastructure [M15]", async () => {
    await world.scale(`machineset/${machineSetName}`, 1);
    const [held] = await world.untilAll("metal3machines", machineSetName, { count: 1 });
    await untilAssociation(held?.metadata.name ?? "", "False WaitingForClusterInfrastructureReady");
    await world.scale(`machineset/${machineSetName}`, 0);
    await world.untilAll("machines", machineSetName, { count: 0 });
    await world.fleet.apply(...world.leftOut);
  });

  it("for its Machine, its bootstrap data, and a host [M15]", async () => {
    const objects = loneMachine("lone", { ...world.herd.image, diskFormat: "raw" });
    await world.fleet.apply(objects.metal3Machine);
    await untilAssociation("lone", "False WaitingForMetal3MachineOwnerRef");
    await world.fleet.apply(objects.config, objects.machine);
    await untilAssociation("lone", "False WaitingForBootstrapData");
    const status = {
      initialization: { dataSecretCreated: true },
      dataSecretName: bootstrapSecretName,
    };
    await world.fleet.apply({ ...objects.config, status });
    await untilAssociation("lone", "False AssociateBareMetalHostFailed");
    await world.addHosts([machine]);
    await untilAssociation("lone", "True AssociateBareMetalHostSuccess");
    const { spec } = await world.get(`bmh/${machine.name}`);
    expect(spec["userData"]).toMatchObject({ name: bootstrapSecretName });
  });
});

describe("with a cloud provider", () => {
  it("a machine takes the providerID that its Node has, and writes none [M53]", async () => {
    await world.fleet.hosts.until(
      machine.name,
      ({ status }) => status?.provisioning.state === "provisioned",
      { timeoutMs: 60_000 },
    );
    await world.join(machine, { name: "without" });
    const waiting = await world.until(
      "metal3machine/lone",
      (held) => conditionOf(held, "farrier.dev/Node") !== undefined,
    );
    expect(waiting.spec).not.toHaveProperty("providerID");
    expect((await world.get("node/without")).spec).not.toHaveProperty("providerID");
    await world.fleet.kubectl(["delete", "node/without"]);
    const providerID = "meadow://barn/stall-1";
    await world.join(machine, { providerID });
    await world.until("metal3machine/lone", ({ spec }) => spec["providerID"] === providerID);
    const { status } = await world.until(
      "machine/lone",
      (held) => held.status?.["phase"] === "Running",
    );
    expect(status).toMatchObject({ nodeRef: { name: machine.name } });
  });
});

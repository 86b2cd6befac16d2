// A machine of the herd is to Farrier what a real one is: inspected, deployed, and given back.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFleet, type Fleet } from "./fleet.ts";
import { startHerd, type Herd } from "./herd/start-herd.ts";

let fleet: Fleet;
let herd: Herd;

beforeAll(async () => {
  fleet = await startFleet();
  herd = await startHerd(fleet.lab, 1);
});
afterAll(async () => await fleet?.stop());

describe("a machine in memory", () => {
  it("is inspected, deployed and erased", async () => {
    const [machine] = herd.machines;
    if (machine === undefined) throw new Error("an empty herd");
    const { name } = machine;
    const state = (wanted: string) =>
      fleet.hosts.until(name, ({ status }) => status?.provisioning.state === wanted, {
        timeoutMs: 60_000,
      });
    await fleet.apply(...herd.objects(machine));
    const { status } = await state("available");
    expect(status?.hardware?.nics).toMatchObject([
      { mac: machine.mac, ip: expect.stringMatching(/^192\.168\.100\.\d{2,3}$/) },
    ]);
    const patch = (spec: object) =>
      fleet.kubectl(["patch", "bmh", name, "--type=merge", `-p=${JSON.stringify({ spec })}`]);
    await patch({ image: { ...herd.image, format: "raw" } });
    await state("provisioned");
    await patch({ image: null });
    await state("available");
    const events = await herd.events(name);
    expect(events.map(({ kind }) => kind)).toContain("operating-system");
    expect(fleet.hosts.states(name)).toEqual([
      "",
      "registering",
      "inspecting",
      "preparing",
      "available",
      "provisioning",
      "provisioned",
      "deprovisioning",
      "available",
    ]);
  });
});

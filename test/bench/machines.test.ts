// What a pool of fifty machines costs on the real stack, up and down again. Every host is used once and given back.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startMachineFleet, type MachineFleet } from "../kubernetes/machines/machine-fleet.ts";
import { machineSetName } from "../kubernetes/machines/machine-objects.ts";

const count = 50;
const limitMs = 600_000;
const workers = `machineset/${machineSetName}`;
let world: MachineFleet;

beforeAll(async () => {
  world = await startMachineFleet({ machines: count });
  await world.addHosts(world.herd.machines);
});
afterAll(async () => await world?.stop());

const states = () => world.fleet.hosts.all().map(({ status }) => status?.provisioning.state);

async function untilEach(state: string): Promise<void> {
  for (const { name } of world.herd.machines) {
    await world.fleet.hosts.until(
      name,
      ({ status, spec }) =>
        status?.provisioning.state === state &&
        (state === "available" ? spec.consumerRef === undefined : true),
      { timeoutMs: limitMs },
    );
  }
}

describe("a MachineSet", () => {
  const times: Record<string, number> = {};
  const time = async (what: string, work: () => Promise<unknown>) => {
    const startedAt = performance.now();
    await work();
    times[what] = Math.round((performance.now() - startedAt) / 1000);
  };

  it(
    "goes from 0 to 50 and back to 0 [M27 M50 M58]",
    async () => {
      await time("50 hosts provisioned", async () => {
        await world.scale(workers, count);
        await untilEach("provisioned");
      });
      const hosts = world.fleet.hosts.all();
      const names = new Set(hosts.map(({ spec }) => spec.consumerRef?.name));
      expect(names.size).toBe(count);
      await time("50 Machines have a providerID", async () => {
        const are = ({ spec }: { readonly spec: Readonly<Record<string, unknown>> }) =>
          spec["providerID"] !== undefined;
        await world.untilAll("machines", machineSetName, { count, are }, limitMs);
      });
      await time("50 Nodes linked, 50 Machines running", async () => {
        for (const machine of world.herd.machines) await world.join(machine);
        const isReady = (held: { readonly status?: Readonly<Record<string, unknown>> }) =>
          held.status?.["readyReplicas"] === count;
        await world.until(workers, isReady, limitMs);
      });
      await time("50 hosts given back", async () => {
        await world.scale(workers, 0);
        await untilEach("available");
        await world.untilAll("machines", machineSetName, { count: 0 }, limitMs);
      });
      process.stdout.write(`0 → 50 → 0: ${JSON.stringify(times)} s\n`);
      expect(states()).toEqual(Array.from({ length: count }, () => "available"));
      expect(await world.list("metal3machines", machineSetName)).toEqual([]);
      expect(await world.fleet.kubectl(["get", "nodes", "--output=name"])).toBe("");
    },
    4 * limitMs,
  );
});

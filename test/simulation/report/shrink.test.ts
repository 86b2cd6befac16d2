import { expect, test } from "vitest";
import { faultClasses } from "../workload/scenario.ts";
import { generateScenario } from "../workload/generate-scenario.ts";
import type { Scenario } from "../workload/scenario.ts";
import { withKept } from "./kept-scenario.ts";
import { shrinkScenario } from "./shrink.ts";

const options = {
  hosts: 8,
  minutes: 20,
  tier: "pglite",
  faults: faultClasses,
  quirks: [],
} as const;

test("a scenario shrinks to the fault and the command that break it", async () => {
  const scenario = generateScenario(4, { ...options, profile: "swarm" });
  const fault = scenario.faults[3]!;
  const command = scenario.commands[5]!;
  const breaks = async ({ faults, commands }: Scenario) =>
    faults.includes(fault) && commands.includes(command);
  const small = await shrinkScenario(scenario, { fails: breaks, runs: 2_000 });
  expect(small.faults).toEqual([fault]);
  expect(small.commands).toEqual([command]);
  expect(small.machines.length).toBeLessThanOrEqual(2);
});

test("what comes after the violation is cut, and what is left is made plain", async () => {
  const scenario = generateScenario(4, { ...options, profile: "swarm", quirks: ["slow-bmc"] });
  const command = scenario.commands[9]!;
  const brokenAtMs = command.atMs + 5_000;
  const small = await shrinkScenario(scenario, {
    fails: async ({ commands }) => commands.some(({ kind }) => kind === command.kind),
    runs: 2_000,
    brokenAtMs,
  });
  expect(small.faultsMs).toBeLessThanOrEqual(brokenAtMs + 1_000);
  expect(small.faults).toEqual([]);
  expect(small.commands).toHaveLength(1);
  expect(small.commands[0]!.atMs % 1_000).toBe(0);
  expect(small.machines).toHaveLength(1);
  expect(small.sites).toHaveLength(1);
  expect(small.machines[0]!.quirks).toEqual([]);
});

test("shrinking keeps to its number of runs", async () => {
  const scenario = generateScenario(4, options);
  let runs = 0;
  await shrinkScenario(scenario, {
    fails: async () => {
      runs += 1;
      return false;
    },
    runs: 7,
  });
  expect(runs).toBe(7);
});

test("a scenario that does not fail without anything stays as it is", async () => {
  const scenario = generateScenario(4, options);
  expect(await shrinkScenario(scenario, { fails: async () => false, runs: 500 })).toEqual(scenario);
});

test("a machine takes its hosts, twins and pairs along", () => {
  const scenario = generateScenario(4, { ...options, profile: "swarm" });
  const host = (name: string) => `cluster-1/metal/${name}`;
  const [machine] = scenario.machines;
  const fault = { fault: "swapped-machine", atMs: 1, untilMs: 2, amount: 0 } as const;
  const kept = withKept(
    {
      ...scenario,
      commands: ["m1", "twin-m1", "m2"].map((name) => ({
        kind: "delete-host",
        atMs: 1,
        host: host(name),
      })),
      faults: ["m1+m2", "m2", "site-1"].map((target) => ({ ...fault, target })),
    },
    "machines",
    scenario.machines.filter((each) => each !== machine),
  );
  expect(kept.commands).toMatchObject([{ host: host("m2") }]);
  expect(kept.faults.map(({ target }) => target)).toEqual(["m2", "site-1"]);
});

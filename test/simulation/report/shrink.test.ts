import { expect, test } from "vitest";
import { possibleFaults } from "../run/faults.ts";
import { generateScenario } from "../workload/generate-scenario.ts";
import type { Scenario } from "../workload/scenario.ts";
import { shrinkScenario } from "./shrink.ts";

const options = {
  hosts: 8,
  minutes: 20,
  tier: "pglite",
  faults: possibleFaults,
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

test("a scenario is data: the same seed gives the same, and it survives JSON", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const scenario = generateScenario(seed, options);
    expect(JSON.parse(JSON.stringify(scenario))).toEqual(scenario);
    expect(generateScenario(seed, options)).toEqual(scenario);
    expect(scenario.commands.every(({ atMs }) => atMs > 0)).toBe(true);
  }
});

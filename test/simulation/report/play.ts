// Plays a scenario on this process's database, and says what came of it.
import { vacuityOf } from "../judges/vacuity.ts";
import { quirkNames } from "../machines/quirks.table.ts";
import { possibleFaultsOf } from "../run/faults.ts";
import type { Run, RunOptions } from "../run/run.ts";
import { runScenario } from "../run/run-scenario.ts";
import { generateScenario } from "../workload/generate-scenario.ts";
import type { Scenario } from "../workload/scenario.ts";
import type { SimOptions } from "./options.ts";
import type { Outcome } from "./summary.ts";

export function scenarioOf(
  seed: number,
  { hosts, minutes, profile, tier }: Pick<SimOptions, "hosts" | "minutes" | "profile" | "tier">,
): Scenario {
  return generateScenario(seed, {
    hosts,
    minutes,
    profile,
    tier,
    faults: possibleFaultsOf(tier),
    quirks: quirkNames,
  });
}

export async function playScenario(scenario: Scenario, options: RunOptions = {}): Promise<Run> {
  return await runScenario(scenario, options);
}

export function outcomeOf(run: Run): Outcome {
  const { scenario, violations, stuck, counts } = run;
  const vacuity = vacuityOf(scenario, counts);
  return {
    seed: scenario.seed,
    profile: scenario.profile,
    faults: [...new Set(scenario.faults.map(({ fault }) => fault))],
    problems: [
      ...violations.map(({ id, machine, message }) => `${id} ${machine ?? ""}: ${message}`),
      ...(stuck === undefined ? [] : [`stuck: ${stuck}`]),
      ...(vacuity === undefined ? [] : [`vacuous: ${vacuity}`]),
    ],
    hash: run.hash,
    events: run.events,
    virtualMs: run.virtualMs,
    wallMs: run.wallMs,
    cpuMs: run.cpuMs,
    counts,
  };
}

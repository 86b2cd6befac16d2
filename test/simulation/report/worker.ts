// A worker process of npm run sim: plays the seeds that it is given. One seed of a hundred is played twice, and both
// must go the same way.
import type { SimOptions } from "./options.ts";
import { outcomeOf, playScenario, scenarioOf } from "./play.ts";
import type { Outcome } from "./summary.ts";

const twiceEvery = 100;

process.on("message", (work: { readonly seed: number; readonly options: SimOptions }) => {
  void play(work.seed, work.options);
});
process.once("disconnect", () => process.exit(0));

async function play(seed: number, options: SimOptions): Promise<void> {
  const scenario = scenarioOf(seed, options);
  const outcome = outcomeOf(await playScenario(scenario));
  if (seed % twiceEvery !== 1) return tell(outcome);
  const again = await playScenario(scenario);
  if (again.hash === outcome.hash) return tell(outcome);
  const problem = `not deterministic: ${outcome.hash.slice(0, 12)} and ${again.hash.slice(0, 12)}`;
  tell({ ...outcome, problems: [...outcome.problems, problem] });
}

function tell(outcome: Outcome): void {
  process.send?.(outcome);
}

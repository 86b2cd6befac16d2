// Plays one scenario: phase 1 with its commands and faults, phase 2 healed, until the fleet has converged.
import type { Database } from "../../../control-plane/store/database.ts";
import { judgeKinds } from "../judges/judges.table.ts";
import { makeJudges } from "../judges/judge.ts";
import { makeCounter } from "../judges/vacuity.ts";
import { Ended } from "../kernel/life.ts";
import { Stuck } from "../kernel/kernel.ts";
import type { Scenario } from "../workload/scenario.ts";
import type { WorldEvent } from "../world/events.ts";
import { scheduleCommands } from "./commands.ts";
import { standOf } from "./converged.ts";
import { heal, scheduleFaults } from "./faults.ts";
import { makeRecorder } from "./recorder.ts";
import type { Run, RunOptions } from "./run.ts";
import { kernelOf, startMs, startWorld } from "./world.ts";
import type { World } from "./world.ts";

const lookEveryMs = 5_000;
/** As wanted for so long, and it counts. */
const steadyMs = 60_000;

/** `database`: empty. */
export async function runScenario(
  scenario: Scenario,
  database: Database,
  options: RunOptions = {},
): Promise<Run> {
  const began = process.hrtime.bigint();
  const kernel = kernelOf(scenario);
  const recorder = makeRecorder(kernel, options.trace === true);
  const judges = makeJudges(judgeKinds);
  const counter = makeCounter();
  const swallow = (reason: unknown): void => {
    if (!(reason instanceof Ended)) throw reason;
  };
  process.on("unhandledRejection", swallow);
  let stuck: string | undefined;
  try {
    const world = await startWorld({
      scenario,
      kernel,
      database,
      tell: (happened) => recorder.tell(happened),
    });
    const onEvent = (event: WorldEvent): void => {
      counter.onEvent(event);
      judges.onEvent(event, world.truth);
      if (event.kind === "disk" || event.kind === "object") kernel.progress();
    };
    recorder.listen(onEvent);
    await play(world, options, () => options.stopAtFirst === true && judges.violations.length > 0);
    if (options.untilMs === undefined) judges.atEnd(world.truth);
    await kernel.until(stopAll(world), 600_000);
  } catch (thrown) {
    if (!(thrown instanceof Stuck)) throw thrown;
    stuck = thrown.message;
  } finally {
    process.off("unhandledRejection", swallow);
  }
  return {
    scenario,
    violations: judges.violations,
    hash: kernel.hash(),
    events: kernel.events,
    virtualMs: kernel.nowMs() - startMs,
    wallMs: Number((process.hrtime.bigint() - began) / 1_000_000n),
    counts: counter.counts,
    trace: recorder.trace,
    stuck,
  };
}

async function play(world: World, { untilMs }: RunOptions, isDone: () => boolean): Promise<void> {
  const { kernel, scenario } = world;
  scheduleCommands(world);
  scheduleFaults(world);
  const beganMs = kernel.nowMs();
  const endMs = untilMs === undefined ? Infinity : startMs + untilMs;
  await kernel.run(Math.min(beganMs + scenario.faultsMs, endMs), isDone);
  if (isDone() || kernel.nowMs() >= endMs) return;
  await kernel.until(heal(world));
  const lastMs = Math.min(kernel.nowMs() + scenario.settleMs, endMs);
  let steadySinceMs: number | undefined;
  while (kernel.nowMs() < lastMs && !isDone()) {
    await kernel.run(kernel.nowMs() + lookEveryMs, isDone);
    if (!isAsWanted(world)) steadySinceMs = undefined;
    else steadySinceMs ??= kernel.nowMs();
    if (steadySinceMs !== undefined && kernel.nowMs() - steadySinceMs >= steadyMs) return;
  }
}

function isAsWanted({ clusters }: World): boolean {
  return [...clusters.values()].every(({ objects }) =>
    [...objects.values()].every(
      (object) => object.kind !== "BareMetalHost" || standOf(object) === "wanted",
    ),
  );
}

async function stopAll(world: World): Promise<void> {
  await Promise.all([...world.agents.values()].map((agent) => agent.stop()));
  await world.hub.stopAll();
}

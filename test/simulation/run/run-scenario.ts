// Plays one scenario: phase 1 with its commands and faults, phase 2 healed, until the fleet has converged.
import { judgeKinds } from "../judges/judges.table.ts";
import { makeJudges } from "../judges/judge.ts";
import { makeCounter } from "../judges/vacuity.ts";
import { forbidGlobals } from "../kernel/forbid-globals.ts";
import { Ended } from "../kernel/life.ts";
import { Stuck } from "../kernel/kernel.ts";
import type { Scenario } from "../workload/scenario.ts";
import type { Happened, WorldEvent } from "../world/events.ts";
import { scheduleCommands } from "./commands.ts";
import { isTaken, standIn } from "./converged.ts";
import type { Stand } from "./converged.ts";
import { openDatabase } from "./database.ts";
import { heal, scheduleFaults } from "./faults.ts";
import { makeRecorder } from "./recorder.ts";
import type { Run, RunOptions } from "./run.ts";
import { kernelOf, startMs, startWorld } from "./world.ts";
import type { World } from "./world.ts";

const lookEveryMs = 5_000;
/** As wanted for so long, and it counts. */
const steadyMs = 60_000;
/** An error that stands so long stays: what can be tried again was, at least once. */
const triedAgainMs = 17 * 60_000;
/** Who waits for a machine that another host has looks again each minute. */
const lookedAgainMs = 3 * 60_000;

export async function runScenario(scenario: Scenario, options: RunOptions = {}): Promise<Run> {
  const [began, used] = [process.hrtime.bigint(), process.cpuUsage()];
  const kernel = kernelOf(scenario);
  const recorder = makeRecorder(kernel, options.trace === true);
  const judges = makeJudges(judgeKinds);
  const counter = makeCounter();
  const swallow = (reason: unknown): void => {
    if (!(reason instanceof Ended)) throw reason;
  };
  process.on("unhandledRejection", swallow);
  // PGlite reads the platform's clock.
  const allowGlobals = scenario.tier === "memory" ? forbidGlobals() : () => {};
  let stuck: string | undefined;
  try {
    const tell = (happened: Happened): void => recorder.tell(happened);
    const keepsBackups = scenario.faults.some(({ fault }) => fault === "database-restored");
    const database = await openDatabase(scenario.tier, { kernel, tell, keepsBackups });
    const { onlooker } = options;
    const world = await startWorld({ scenario, kernel, database, tell, onCall: onlooker?.onCall });
    const onEvent = (event: WorldEvent): void => {
      counter.onEvent(event);
      options.onEvent?.(event);
      judges.onEvent(event, world.truth);
      onlooker?.onEvent(event);
      if (event.kind === "disk" || event.kind === "object") kernel.progress();
    };
    recorder.listen(onEvent);
    onlooker?.onStart(world);
    await play(world, options, () => options.stopAtFirst === true && judges.violations.length > 0);
    if (options.untilMs === undefined) judges.atEnd(world.truth);
    onlooker?.onEnd(world);
    await kernel.until(stopAll(world), 600_000);
  } catch (thrown) {
    if (!(thrown instanceof Stuck)) throw thrown;
    stuck = thrown.message;
  } finally {
    allowGlobals();
    process.off("unhandledRejection", swallow);
  }
  return {
    scenario,
    violations: judges.violations,
    hash: kernel.hash(),
    events: kernel.events,
    virtualMs: kernel.nowMs() - startMs,
    cpuMs: cpuMsSince(used),
    wallMs: Number((process.hrtime.bigint() - began) / 1_000_000n),
    counts: counter.counts,
    trace: recorder.trace,
    stuck,
  };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
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
  const isOver = enoughTime(kernel.nowMs());
  while (kernel.nowMs() < lastMs && !isDone()) {
    await kernel.run(kernel.nowMs() + lookEveryMs, isDone);
    if (isOver(standsOf(world), kernel.nowMs())) return;
  }
}

/** Whether all have stood as they do for long enough. */
function enoughTime(beganMs: number) {
  const since = { wanted: beganMs, taken: beganMs, error: beganMs };
  return (stands: ReadonlySet<Stand | "taken">, nowMs: number): boolean => {
    if (stands.has("waiting")) since.error = nowMs;
    if (stands.has("waiting") || stands.has("error")) since.taken = nowMs;
    if ([...stands].some((stand) => stand !== "wanted")) since.wanted = nowMs;
    return (
      nowMs - since.wanted >= steadyMs ||
      nowMs - since.taken >= lookedAgainMs ||
      nowMs - since.error >= triedAgainMs
    );
  };
}

function standsOf({ clusters }: World): ReadonlySet<Stand | "taken"> {
  const stands = new Set<Stand | "taken">();
  const hosts = [...clusters.values()].flatMap(({ objects }) =>
    [...objects.values()].filter(({ kind }) => kind === "BareMetalHost"),
  );
  for (const { objects } of clusters.values()) {
    for (const object of objects.values()) {
      const stand = standIn(objects, object);
      if (stand === undefined) continue;
      stands.add(
        stand === "error" && hosts.includes(object) && isTaken(object, hosts) ? "taken" : stand,
      );
    }
  }
  return stands;
}

async function stopAll(world: World): Promise<void> {
  await Promise.all([...world.agents.values()].map((agent) => agent.stop()));
  await world.hub.stopAll();
}

// A scenario from a seed: fleet, histories, faults, all drawn before the run.
import { makeRandom } from "../kernel/random.ts";
import type { Random } from "../kernel/random.ts";
import { drawCompanions, drawFaults } from "./draw-faults.ts";
import { drawFleet } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import { drawHistories } from "./histories.ts";
import { passwordsBeside } from "./passwords-beside.ts";
import { scenarioVersion } from "./scenario.ts";
import type { Command, Fault, FaultClass, Scenario } from "./scenario.ts";

export interface GenerateOptions {
  readonly hosts: number;
  /** Virtual minutes with commands and faults. */
  readonly minutes: number;
  readonly tier: Scenario["tier"];
  /** Classes that may be drawn. */
  readonly faults: readonly FaultClass[];
  /** Names of quirks that machines may have. */
  readonly quirks: readonly string[];
  /** Drawn when absent. */
  readonly profile?: "happy" | "single" | "swarm" | undefined;
}

export function generateScenario(seed: number, options: GenerateOptions): Scenario {
  const random = makeRandom(`scenario ${seed}`);
  const profile = options.profile ?? drawProfile(random.split("profile"));
  const fleet = drawFleet(
    random.split("fleet"),
    options.hosts,
    profile === "happy" ? [] : options.quirks,
  );
  const faultsMs = options.minutes * 60_000;
  const instances = random.split("instances").between(2, 3);
  const classes = drawClasses(random.split("classes"), profile, options.faults);
  const commands = drawHistories(random.split("histories"), fleet, faultsMs);
  const isSwarm = profile === "swarm";
  const bounds = { fleet, instances, faultsMs, worksMs: worksOf(commands) };
  const drawn = drawFaults(random.split("faults"), classes, bounds);
  const brought = random.split("companions");
  const beside = { machines: fleet.machines, commands, faultsMs };
  const passwords = isSwarm ? passwordsBeside(random.split("passwords"), drawn, beside) : [];
  return {
    version: scenarioVersion,
    seed,
    profile,
    tier: options.tier,
    faultsMs,
    settleMs: 60 * 60_000,
    instances,
    ...fleet,
    commands: [...commands, ...passwords].toSorted((a, b) => a.atMs - b.atMs),
    faults: [
      ...drawn,
      ...(isSwarm ? drawCompanions(brought, drawn, options.faults, bounds) : []),
      ...(isSwarm ? withoutWebhook(random.split("webhook"), fleet, faultsMs) : []),
      ...(isSwarm ? guardedAnew(random.split("guarded"), fleet, faultsMs) : []),
      ...(isSwarm ? setRight(random.split("clocks"), fleet, faultsMs) : []),
    ],
  };
}

/** Few are as much worth as many others: so much is at stake at once. */
const rare: readonly Command["kind"][] = ["remove-finalizer", "change-password", "wrong-secret"];
const rareCounts = 3;

/** Deploying, giving back, deleting; and what is rare. */
function worksOf(commands: readonly Command[]): readonly number[] {
  return commands.flatMap((command) => {
    const { kind, atMs } = command;
    if (rare.includes(kind)) return Array<number>(rareCounts).fill(atMs);
    const isWork =
      kind === "create-host" ||
      kind === "delete-host" ||
      kind === "claim" ||
      kind === "scale" ||
      (kind === "patch-spec" && "image" in command.patch);
    return isWork ? [atMs] : [];
  });
}

/** In few clusters nobody has installed the webhook, or it never answers. */
function withoutWebhook(random: Random, { clusters }: Fleet, faultsMs: number): readonly Fault[] {
  return clusters
    .filter(({ name }) => random.split(name).chance(0.1))
    .map(({ name: target }) => {
      return { fault: "webhook-unreachable", atMs: 1, untilMs: faultsMs, target, amount: 0 };
    });
}

/** What a site's guard has counted so far has to outlive the agent, which is restarted now and then. */
function guardedAnew(random: Random, { sites }: Fleet, faultsMs: number): readonly Fault[] {
  return sites.flatMap(({ name: target, guard }): readonly Fault[] => {
    const own = random.split(target);
    if (guard?.hostsPer10Minutes === undefined || !own.chance(0.5)) return [];
    const atMs = own.between(45_000, faultsMs - 60_000);
    return [
      { fault: "agent-crash", atMs, untilMs: atMs, target, amount: own.between(500, 20_000) },
    ];
  });
}

/** A clock that is minutes wrong is set right some day, in one step. */
function setRight(random: Random, { sites }: Fleet, faultsMs: number): readonly Fault[] {
  return sites.flatMap(({ name: target, skewMs }): readonly Fault[] => {
    const own = random.split(target);
    if (Math.abs(skewMs) < 60_000 || !own.chance(0.7)) return [];
    const atMs = own.between(10_000, faultsMs / 2);
    return [{ fault: "agent-clock-jump", atMs, untilMs: atMs, target, amount: -skewMs }];
  });
}

function drawProfile(random: Random): "happy" | "single" | "swarm" {
  return random.pick(["happy", "single", "single", ...Array<"swarm">(7).fill("swarm")]);
}

function drawClasses(
  random: Random,
  profile: string,
  possible: readonly FaultClass[],
): readonly FaultClass[] {
  if (profile === "happy") return [];
  if (profile === "single") return [random.pick(possible)];
  const share = random.pick([0.1, 0.2, 0.35]);
  const drawn = possible.filter(() => random.chance(share));
  return drawn.length === 0 ? [random.pick(possible)] : drawn;
}

// Makes a scenario's faults happen, and ends them. A class that the world cannot do yet is refused before the run.
import { faultClasses } from "../workload/scenario.ts";
import type { Fault, FaultClass, Scenario } from "../workload/scenario.ts";
import type { ClusterFaults } from "../kubernetes/cluster-faults.ts";
import type { SimulatedCluster } from "../kubernetes/simulated-cluster.ts";
import type { BmcFaults } from "../machines/bmc/bmc-faults.ts";
import type { SimulatedFleetMachine } from "../machines/simulated-fleet-machine.ts";
import { imageTroubles } from "../network/images/image-servers.ts";
import type { ImageKnobs } from "../network/images/image-servers.ts";
import { usualDelayMs } from "../network/wan.ts";
import type { WanLink } from "../network/wan.ts";
import { freeBytesUsually } from "./agent-process.ts";
import type { AgentProcess } from "./agent-process.ts";
import { noDatabaseFaults } from "./hub.ts";
import type { DatabaseFaults } from "./hub.ts";
import { instanceNames } from "./world.ts";
import type { World } from "./world.ts";

/** Begins; a function that it returns ends it. False: it could not. */
type Apply = (world: World, fault: Fault) => (() => void) | boolean | undefined | void;

type Find<T> = (world: World, fault: Fault) => T | undefined;

const link: Find<WanLink> = (world, { target }) => world.wan.link(target);
const database: Find<DatabaseFaults> = ({ databaseFaults }) => databaseFaults;
const machine: Find<SimulatedFleetMachine> = (world, { target }) => world.machines.get(target);
const cluster: Find<SimulatedCluster> = (world, { target }) => world.clusters.get(target);
const api: Find<ClusterFaults> = (world, fault) => cluster(world, fault)?.faults;
const agent: Find<AgentProcess> = (world, { target }) => world.agents.get(target);
const image: Find<ImageKnobs> = ({ images }, { target }) => {
  const { url } = images.byName.get(target) ?? {};
  return url === undefined ? undefined : images.servers.knobs(url);
};

/** A knob that is turned to the fault's amount, or to what is given, and back to `rest`. */
function turn<T extends object, K extends keyof T>(
  find: Find<T>,
  knob: K,
  rest: T[K],
  to: (fault: Fault) => T[K],
): Apply {
  return (world, fault) => {
    const holder = find(world, fault);
    if (holder === undefined) return undefined;
    holder[knob] = to(fault);
    return () => void (holder[knob] = rest);
  };
}

const amount = (fault: Fault): number => fault.amount;
const yes = (): boolean => true;

/** A knob of a BMC; afterwards it is what its personality makes it. */
function turnBmc<K extends keyof BmcFaults>(knob: K, to: (fault: Fault) => BmcFaults[K]): Apply {
  return (world, fault) => {
    setBmc(knob, to)(world, fault);
    return () => machine(world, fault)?.heal();
  };
}

/** One that wears off by itself. */
function setBmc<K extends keyof BmcFaults>(
  knob: K,
  to: (fault: Fault) => BmcFaults[K],
): (world: World, fault: Fault) => void {
  return (world, fault) => {
    const bmc = machine(world, fault)?.bmc;
    if (bmc !== undefined) bmc[knob] = to(fault);
  };
}

const table: Partial<Record<FaultClass, Apply>> = {
  "wan-partition"(world, fault) {
    const way = world.wan.link(fault.target);
    [way.upDown, way.downDown] = [true, true];
    return () => void ([way.upDown, way.downDown] = [false, false]);
  },
  "wan-one-way"(world, fault) {
    const way = world.wan.link(fault.target);
    if (fault.amount < 1) way.downDown = true;
    else way.upDown = true;
    return () => void ([way.upDown, way.downDown] = [false, false]);
  },
  "wan-delay": turn(link, "delayMs", usualDelayMs, (fault): readonly [number, number] => [
    Math.floor(fault.amount / 2),
    Math.ceil(fault.amount * 1.5),
  ]),
  "wan-cut-links": (world, fault) => link(world, fault)?.cut(),
  "frame-duplicated": turn(link, "duplicates", 0, amount),
  "frame-garbled": turn(link, "garbles", 0, amount),
  "feed-answer-lost": turn(link, "losesAnswers", 0, amount),
  "control-plane-crash"({ hub, kernel }, fault) {
    hub.crash(fault.target);
    kernel.timer(fault.amount, () => void hub.start(fault.target));
  },
  "control-plane-stop"({ hub, kernel }, { target, amount: ms }) {
    void hub.stop(target).then(() => kernel.timer(ms, () => void hub.start(target)));
  },
  "database-down": turn(database, "down", false, yes),
  "database-error-before-commit": turn(database, "failsBefore", 0, amount),
  "database-error-after-commit": turn(database, "failsAfter", 0, amount),
  "database-slow": turn(database, "slowMs", 0, amount),
  "database-restored": (world, { amount }) => world.database.restore(amount),
  "notification-lost": turn(database, "losesNotifications", 0, amount),
  "notifications-deaf": turn(database, "losesNotifications", 0, () => 1),
  "agent-crash"(world, fault) {
    const process = agent(world, fault);
    process?.crash();
    world.kernel.timer(fault.amount, () => void process?.start());
  },
  "agent-paused": (world, fault) => agent(world, fault)?.life?.pause(fault.untilMs - fault.atMs),
  "agent-clock-jump"(world, fault) {
    const process = agent(world, fault);
    if (process !== undefined) process.jumpMs += fault.amount;
  },
  "agent-disk-full": turn(agent, "freeBytes", freeBytesUsually, () => 0),
  "agent-crash-at-call"(world, fault) {
    const process = agent(world, fault);
    if (process === undefined) return undefined;
    process.crashAtCall = {
      calls: fault.amount,
      when: fault.amount % 2 === 0 ? "before" : "after",
    };
    return () => {
      process.crashAtCall = undefined;
      void process.start();
    };
  },
  "api-server-restart"(world, fault) {
    const end = turn(api, "unreachable", false, yes)(world, fault);
    cluster(world, fault)?.disconnect();
    return end;
  },
  "api-watch-window"(world, fault) {
    cluster(world, fault)?.narrowWindow(fault.amount);
    return () => cluster(world, fault)?.widenWindow();
  },
  "api-watch-stalled"(world, fault) {
    cluster(world, fault)?.stall();
    return () => cluster(world, fault)?.endStall();
  },
  "api-stale-list": turn(api, "staleListMs", 0, amount),
  "api-conflict": turn(api, "conflicts", 0, amount),
  "api-throttled": turn(api, "throttles", 0, amount),
  "webhook-unreachable": turn(api, "webhookUnreachable", false, yes),
  "bmc-hangs": turnBmc("hangs", yes),
  "bmc-restarts": (world, fault) => machine(world, fault)?.restartBmc(fault.untilMs - fault.atMs),
  "bmc-loses-packets": turnBmc("lossChance", amount),
  "bmc-does-nothing": setBmc("forgetsPower", amount),
  "bmc-ignores-boot-device": setBmc("forgetsBootDevice", amount),
  "bmc-cached-power": turnBmc("cachedPowerMs", amount),
  "bmc-sessions-full": turnBmc("sessionsFull", yes),
  "bmc-flaps": turnBmc("flapMs", amount),
  "disk-error": (world, fault) => machine(world, fault)?.failChanges(fault.amount),
  "disk-renamed": (world, fault) => machine(world, fault)?.renameDisks(),
  "swapped-machine"(world, { target }) {
    exchangeCables(world, target);
    return () => {
      if (world.swapped.has(target)) exchangeCables(world, target);
    };
  },
  "machine-power-loss": (world, fault) => machine(world, fault)?.powerLoss(fault.amount),
  "ramdisk-dies": (world, fault) => machine(world, fault)?.killRamdisk(),
  "image-missing": turn(image, "trouble", undefined, (fault) => imageTroubles[fault.amount]),
  "image-stalls": turn(image, "stalled", false, yes),
  "image-truncated"(world, fault) {
    const knobs = image(world, fault);
    if (knobs !== undefined) knobs.truncations += fault.amount;
  },
  "image-changes"({ images: { byName, servers } }, { target, amount: when }) {
    const { url } = byName.get(target) ?? {};
    if (url === undefined) return undefined;
    if (when === 0) servers.change(url, 2);
    else servers.knobs(url).changes = 1;
    return () => servers.change(url, 1);
  },
};

/** `pair` as "m3+m7"; the second time they are as before. */
function exchangeCables({ machines, swapped }: World, pair: string): void {
  const [one, other] = pair.split("+").map((name) => machines.get(name));
  if (one === undefined || other === undefined) return;
  one.exchangeCables(other);
  if (!swapped.delete(pair)) swapped.add(pair);
}

/** The classes that the world can do. */
export const possibleFaults: readonly FaultClass[] = faultClasses.filter(
  (fault) => table[fault] !== undefined,
);

/** Those of a tier: PGlite keeps no backups. */
export function possibleFaultsOf(tier: Scenario["tier"]): readonly FaultClass[] {
  return tier === "memory"
    ? possibleFaults
    : possibleFaults.filter((fault) => fault !== "database-restored");
}

export function scheduleFaults(world: World): void {
  const { kernel, scenario, tell } = world;
  for (const fault of scenario.faults) {
    const apply = table[fault.fault];
    if (apply === undefined) throw new Error(`the world cannot do ${fault.fault} yet`);
    kernel.timer(fault.atMs, () => {
      if (world.truth.healed) return;
      const { fault: what, target, atMs, untilMs } = fault;
      const end = apply(world, fault);
      if (end === false) return;
      tell({ kind: "fault", fault: what, target });
      kernel.timer(Math.max(1, untilMs - atMs), () => {
        if (typeof end === "function") end();
        tell({ kind: "fault-ended", fault: what, target });
      });
    });
  }
}

/** Everything works from now on, and everybody runs. */
export async function heal(world: World): Promise<void> {
  world.truth.healed = true;
  world.wan.heal();
  Object.assign(world.databaseFaults, noDatabaseFaults());
  for (const each of world.clusters.values()) each.heal();
  world.images.servers.heal();
  for (const pair of world.swapped) exchangeCables(world, pair);
  for (const each of world.machines.values()) {
    each.heal("honest");
    each.mendDisks();
  }
  for (const process of world.agents.values()) {
    process.freeBytes = freeBytesUsually;
    process.crashAtCall = undefined;
  }
  for (const name of instanceNames(world.scenario))
    if (!world.hub.isRunning(name)) await world.hub.start(name);
  for (const process of world.agents.values()) await process.start();
  world.tell({ kind: "healed" });
}

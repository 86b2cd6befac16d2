// Makes a scenario's faults happen, and ends them. A class that the world cannot do yet is refused before the run.
import { faultClasses } from "../workload/scenario.ts";
import type { Fault, FaultClass } from "../workload/scenario.ts";
import { instanceNames } from "./world.ts";
import type { World } from "./world.ts";

/** Begins; what it returns ends it. */
type Apply = (world: World, fault: Fault) => (() => void) | undefined | void;

const link = (world: World, { target }: Fault) => world.wan.link(target);
const machine = (world: World, { target }: Fault) => world.machines.get(target);
const cluster = (world: World, { target }: Fault) => world.clusters.get(target);
const agent = (world: World, { target }: Fault) => world.agents.get(target);

const table: Partial<Record<FaultClass, Apply>> = {
  "wan-partition"(world, fault) {
    const way = link(world, fault);
    [way.upDown, way.downDown] = [true, true];
    return () => void ([way.upDown, way.downDown] = [false, false]);
  },
  "wan-one-way"(world, fault) {
    const way = link(world, fault);
    if (fault.amount < 1) way.downDown = true;
    else way.upDown = true;
    return () => void ([way.upDown, way.downDown] = [false, false]);
  },
  "wan-delay"(world, fault) {
    const way = link(world, fault);
    way.delayMs = [Math.floor(fault.amount / 2), Math.ceil(fault.amount * 1.5)];
    return () => void (way.delayMs = [1, 20]);
  },
  "wan-cut-links": (world, fault) => link(world, fault).cut(),
  "frame-duplicated"(world, fault) {
    const way = link(world, fault);
    way.duplicates = fault.amount;
    return () => void (way.duplicates = 0);
  },
  "frame-garbled"(world, fault) {
    const way = link(world, fault);
    way.garbles = fault.amount;
    return () => void (way.garbles = 0);
  },
  "feed-answer-lost"(world, fault) {
    const way = link(world, fault);
    way.losesAnswers = fault.amount;
    return () => void (way.losesAnswers = 0);
  },
  "control-plane-crash"({ hub, kernel }, { target, amount }) {
    hub.crash(target);
    kernel.timer(amount, () => void hub.start(target));
  },
  "control-plane-stop"({ hub, kernel }, { target, amount }) {
    void hub.stop(target).then(() => kernel.timer(amount, () => void hub.start(target)));
  },
  "database-down"({ databaseFaults: faults }) {
    faults.down = true;
    return () => void (faults.down = false);
  },
  "database-error-before-commit"({ databaseFaults: faults }, { amount }) {
    faults.failsBefore = amount;
    return () => void (faults.failsBefore = 0);
  },
  "database-error-after-commit"({ databaseFaults: faults }, { amount }) {
    faults.failsAfter = amount;
    return () => void (faults.failsAfter = 0);
  },
  "database-slow"({ databaseFaults: faults }, { amount }) {
    faults.slowMs = amount;
    return () => void (faults.slowMs = 0);
  },
  "notification-lost"({ databaseFaults: faults }, { amount }) {
    faults.losesNotifications = amount;
    return () => void (faults.losesNotifications = 0);
  },
  "notifications-deaf"({ databaseFaults: faults }) {
    faults.losesNotifications = 1;
    return () => void (faults.losesNotifications = 0);
  },
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
  "agent-disk-full"(world, fault) {
    const process = agent(world, fault);
    if (process !== undefined) process.freeBytes = 0;
    return () => {
      if (process !== undefined) process.freeBytes = 2 ** 40;
    };
  },
  "api-server-restart"(world, fault) {
    const api = cluster(world, fault);
    if (api === undefined) return undefined;
    api.faults.unreachable = true;
    api.disconnect();
    return () => void (api.faults.unreachable = false);
  },
  "api-watch-window"(world, fault) {
    cluster(world, fault)?.narrowWindow(fault.amount);
    return () => cluster(world, fault)?.widenWindow();
  },
  "api-watch-stalled"(world, fault) {
    cluster(world, fault)?.stall();
    return () => cluster(world, fault)?.endStall();
  },
  "api-stale-list"(world, fault) {
    const api = cluster(world, fault);
    if (api !== undefined) api.faults.staleListMs = fault.amount;
    return () => {
      if (api !== undefined) api.faults.staleListMs = 0;
    };
  },
  "api-conflict"(world, fault) {
    const api = cluster(world, fault);
    if (api !== undefined) api.faults.conflicts = fault.amount;
    return () => {
      if (api !== undefined) api.faults.conflicts = 0;
    };
  },
  "api-throttled"(world, fault) {
    const api = cluster(world, fault);
    if (api !== undefined) api.faults.throttles = fault.amount;
    return () => {
      if (api !== undefined) api.faults.throttles = 0;
    };
  },
  "webhook-unreachable"(world, fault) {
    const api = cluster(world, fault);
    if (api !== undefined) api.faults.webhookUnreachable = true;
    return () => {
      if (api !== undefined) api.faults.webhookUnreachable = false;
    };
  },
  "bmc-hangs"(world, fault) {
    const bmc = machine(world, fault)?.bmc;
    if (bmc !== undefined) bmc.hangs = true;
    return () => machine(world, fault)?.heal();
  },
  "bmc-restarts": (world, fault) => machine(world, fault)?.restartBmc(fault.untilMs - fault.atMs),
  "bmc-loses-packets"(world, fault) {
    const bmc = machine(world, fault)?.bmc;
    if (bmc !== undefined) bmc.lossChance = fault.amount;
    return () => machine(world, fault)?.heal();
  },
  "bmc-does-nothing"(world, fault) {
    const bmc = machine(world, fault)?.bmc;
    if (bmc !== undefined) bmc.forgetsPower = fault.amount;
  },
  "bmc-ignores-boot-device"(world, fault) {
    const bmc = machine(world, fault)?.bmc;
    if (bmc !== undefined) bmc.forgetsBootDevice = fault.amount;
  },
  "bmc-cached-power"(world, fault) {
    const bmc = machine(world, fault)?.bmc;
    if (bmc !== undefined) bmc.cachedPowerMs = fault.amount;
    return () => machine(world, fault)?.heal();
  },
  "bmc-sessions-full"(world, fault) {
    const bmc = machine(world, fault)?.bmc;
    if (bmc !== undefined) bmc.sessionsFull = true;
    return () => machine(world, fault)?.heal();
  },
  "bmc-flaps"(world, fault) {
    const bmc = machine(world, fault)?.bmc;
    if (bmc !== undefined) bmc.flapMs = fault.amount;
    return () => machine(world, fault)?.heal();
  },
  "disk-error": (world, fault) => machine(world, fault)?.failChanges(fault.amount),
  "disk-renamed": (world, fault) => machine(world, fault)?.renameDisks(),
  "swapped-machine"(world, { target }) {
    const [one, other] = target.split("+").map((name) => world.machines.get(name));
    if (one === undefined || other === undefined) return undefined;
    one.exchangeCables(other);
    world.swapped.add(target);
    return () => {
      if (world.swapped.delete(target)) one.exchangeCables(other);
    };
  },
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
  "machine-power-loss": (world, fault) => machine(world, fault)?.powerLoss(fault.amount),
  "ramdisk-dies": (world, fault) => machine(world, fault)?.killRamdisk(),
  "image-missing": (world, fault) => imageFault(world, fault, "missing"),
  "image-changes": (world, fault) => imageFault(world, fault, "changed"),
};

function imageFault(world: World, { target }: Fault, which: "missing" | "changed"): () => void {
  const image = world.images.get(target);
  if (image !== undefined) image.fault[which] = true;
  return () => {
    if (image !== undefined) image.fault[which] = false;
  };
}

/** The classes that the world can do. */
export const possibleFaults: readonly FaultClass[] = faultClasses.filter(
  (fault) => table[fault] !== undefined,
);

export function scheduleFaults(world: World): void {
  const { kernel, scenario, tell } = world;
  for (const fault of scenario.faults) {
    const apply = table[fault.fault];
    if (apply === undefined) throw new Error(`the world cannot do ${fault.fault} yet`);
    kernel.timer(fault.atMs, () => {
      if (world.truth.healed) return;
      tell({ kind: "fault", fault: fault.fault, target: fault.target });
      const end = apply(world, fault);
      if (typeof end === "function") kernel.timer(Math.max(1, fault.untilMs - fault.atMs), end);
    });
  }
}

/** Everything works from now on, and everybody runs. */
export async function heal(world: World): Promise<void> {
  world.truth.healed = true;
  world.wan.heal();
  Object.assign(world.databaseFaults, {
    down: false,
    failsBefore: 0,
    failsAfter: 0,
    slowMs: 0,
    losesNotifications: 0,
  });
  for (const api of world.clusters.values()) api.heal();
  for (const { fault } of world.images.values())
    Object.assign(fault, { missing: false, changed: false });
  for (const pair of world.swapped) {
    const [one, other] = pair.split("+").map((name) => world.machines.get(name));
    if (one !== undefined && other !== undefined) one.exchangeCables(other);
  }
  world.swapped.clear();
  for (const each of world.machines.values()) {
    each.heal("honest");
    each.mendDisks();
  }
  for (const process of world.agents.values()) {
    process.freeBytes = 2 ** 40;
    process.crashAtCall = undefined;
  }
  for (const name of instanceNames(world.scenario))
    if (!world.hub.isRunning(name)) await world.hub.start(name);
  for (const process of world.agents.values()) await process.start();
}

// Makes a scenario's faults happen, and ends them.
import { usualWanDelay } from "../network/wan.ts";
import { faultClasses } from "../workload/scenario.ts";
import type { Fault, FaultClass, Scenario } from "../workload/scenario.ts";
import { freeBytesUsually } from "./agent-process.ts";
import { endCopy, startCopy } from "./copies.ts";
import { enrolUnknown } from "./enrolments.ts";
import { noDatabaseFaults } from "./hub.ts";
import {
  agent,
  amount,
  api,
  cluster,
  database,
  link,
  segment,
  turn,
  wanConditions,
  yes,
} from "./knobs.ts";
import type { Apply } from "./knobs.ts";
import { approveRevoked, revoke } from "./revocations.ts";
import { exchangeCables, siteFaults } from "./site-faults.ts";
import { instanceNames } from "./world.ts";
import type { World } from "./world.ts";

const table: Readonly<Record<FaultClass, Apply>> = {
  "wan-partition"(world, fault) {
    const { up, down } = world.wan.link(fault.target);
    [up.isDown, down.isDown] = [true, true];
    return () => void ([up.isDown, down.isDown] = [false, false]);
  },
  "wan-one-way"(world, fault) {
    const { up, down } = world.wan.link(fault.target);
    const lane = fault.amount < 1 ? down : up;
    lane.isDown = true;
    return () => void (lane.isDown = false);
  },
  "wan-delay": turn(wanConditions, "delay", usualWanDelay, ({ amount: meanMs }) => ({
    minMs: Math.floor(meanMs / 2),
    jitterMs: meanMs,
  })),
  "wan-cut-links"(world, fault) {
    if (fault.amount < 1) link(world, fault)?.cut();
    else link(world, fault)?.forget();
  },
  "frame-duplicated": turn(link, "duplicates", 0, amount),
  "frame-garbled": turn(link, "garbles", 0, amount),
  "feed-answer-lost"(world, fault) {
    const ends = [
      turn(link, "losesAnswers", 0, amount)(world, fault),
      turn(link, "losesRequests", 0, (each) => each.amount / 2)(world, fault),
    ];
    return () => ends.forEach((end) => end?.());
  },
  "control-plane-crash"({ hub, kernel }, fault) {
    if (!hub.isRunning(fault.target)) return false;
    hub.crash(fault.target);
    kernel.timer(fault.amount, () => void hub.start(fault.target));
  },
  "control-plane-stop"({ hub, kernel }, { target, amount: ms }) {
    if (!hub.isRunning(target)) return false;
    void hub.stop(target).then(() => kernel.timer(ms, () => void hub.start(target)));
  },
  "database-down": turn(database, "down", false, yes),
  "database-error-before-commit": turn(database, "failsBefore", 0, amount),
  "database-error-after-commit": turn(database, "failsAfter", 0, amount),
  "database-slow": turn(database, "slowMs", 0, amount),
  "database-restored"(world, fault) {
    if (!world.database.restore(fault.amount)) return false;
    return () => void enrolUnknown(world);
  },
  "notification-lost": turn(database, "losesNotifications", 0, amount),
  "notifications-deaf": turn(database, "losesNotifications", 0, () => 1),
  "agent-crash"(world, fault) {
    const process = agent(world, fault);
    process?.crash();
    world.kernel.timer(fault.amount, () => void process?.start());
  },
  "agent-stop"(world, fault) {
    const process = agent(world, fault);
    if (process === undefined) return false;
    const startAgain = (): void =>
      void world.kernel.timer(fault.amount, () => void process.start());
    // One that is down is started first: its next crash may come before it would be up by itself.
    void process
      .start()
      .then(() => process.stop())
      .then(startAgain);
  },
  "agent-paused": (world, fault) => agent(world, fault)?.life?.pause(fault.untilMs - fault.atMs),
  "agent-cloned"(world, fault) {
    const copied = agent(world, fault);
    if (copied === undefined) return false;
    const end = turn(segment, "sharedAddress", "both", ({ amount: reaches }) =>
      reaches < 1 ? "both" : "one",
    )(world, fault);
    const copy = startCopy(world, copied);
    return () => {
      end?.();
      void endCopy(world, copy);
    };
  },
  "agent-revoked"(world, fault) {
    const { agentId } = agent(world, fault) ?? {};
    return agentId === undefined ? false : revoke(world, agentId);
  },
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
  ...siteFaults,
};

/** The classes that the world can do: PGlite keeps no backups. */
export function possibleFaultsOf(tier: Scenario["tier"]): readonly FaultClass[] {
  return faultClasses.filter((fault) => tier === "memory" || fault !== "database-restored");
}

/** What cannot be done now, as an instance is down that shall crash, waits for its time. */
const againMs = 1_000;
const waitsMs = 60_000;

export function scheduleFaults(world: World): void {
  for (const fault of world.scenario.faults) {
    world.kernel.timer(fault.atMs, () => strike(world, fault));
  }
}

function strike(world: World, fault: Fault): void {
  const { struck } = fault;
  if (struck === undefined) return begin(world, fault, waitsMs);
  world.moments.wait(struck, waitsMs, () => begin(world, fault, waitsMs));
}

function begin(world: World, fault: Fault, leftMs: number): void {
  const { kernel, tell } = world;
  const { fault: what, target, atMs, untilMs } = fault;
  const missed = (): void => tell({ kind: "fault-missed", fault: what, target });
  if (world.truth.healed) return missed();
  const end = table[what](world, fault);
  if (end === false) {
    if (leftMs > 0) kernel.timer(againMs, () => begin(world, fault, leftMs - againMs));
    else missed();
    return;
  }
  tell({ kind: "fault", fault: what, target });
  kernel.timer(Math.max(1, untilMs - atMs), () => {
    if (typeof end === "function") end();
    tell({ kind: "fault-ended", fault: what, target });
  });
}

/** Everything works from now on, and everybody runs. */
export async function heal(world: World): Promise<void> {
  world.truth.healed = true;
  world.moments.end();
  world.wan.heal();
  Object.assign(world.databaseFaults, noDatabaseFaults());
  for (const each of world.clusters.values()) each.heal();
  world.images.servers.heal();
  for (const end of world.rogues) end();
  for (const each of world.networks.values()) each.heal();
  for (const pair of world.swapped) exchangeCables(world, pair);
  for (const each of world.machines.values()) {
    each.heal("honest");
    each.mendDisks();
  }
  for (const process of world.agents.values()) {
    process.freeBytes = freeBytesUsually;
    process.crashAtCall = undefined;
    process.life?.resume();
  }
  for (const name of instanceNames(world.scenario))
    if (!world.hub.isRunning(name)) await world.hub.start(name);
  for (const process of world.agents.values()) {
    await (process.isCopy ? endCopy(world, process) : process.start());
  }
  approveRevoked(world);
  world.tell({ kind: "healed" });
}

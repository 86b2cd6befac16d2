// Who is killed in the crash matrix: how, and how it comes back. Each says no when there is nobody to kill.
import type { World } from "../run/world.ts";
import type { FaultClass } from "../workload/scenario.ts";
import type { Moment } from "./watch-run.ts";

export interface Victim {
  readonly fault: FaultClass;
  /** Until it is started again, or starts by itself. */
  readonly awayMs: number;
  target(moment: Moment): string;
  /** Returns what brings it back; undefined: there is nobody. */
  kill(world: World, target: string): (() => void) | undefined;
}

const awayMs = 3_000;
const bmcAwayMs = 20_000;

export const victims = {
  "control plane": {
    fault: "control-plane-crash",
    awayMs,
    target: ({ instance }) => instance,
    kill({ hub }, target) {
      if (!hub.isRunning(target)) return undefined;
      hub.crash(target);
      return () => {
        if (!hub.isRunning(target)) void hub.start(target);
      };
    },
  },
  agent: {
    fault: "agent-crash",
    awayMs,
    target: () => "site-1",
    kill({ agents }, target) {
      const agent = agents.get(target);
      if (agent?.life === undefined) return undefined;
      agent.crash();
      return () => void agent.start();
    },
  },
  // As a kernel that panics: the machine starts anew by itself.
  ramdisk: {
    fault: "ramdisk-dies",
    awayMs,
    target: () => "m1",
    kill({ machines }, target) {
      const machine = machines.get(target);
      if (machine?.running !== "ramdisk") return undefined;
      machine.killRamdisk("restarts");
      return () => {};
    },
  },
  BMC: {
    fault: "bmc-restarts",
    awayMs: bmcAwayMs,
    target: () => "m1",
    kill({ machines }, target) {
      machines.get(target)?.restartBmc(bmcAwayMs);
      return () => {};
    },
  },
  database: {
    fault: "database-down",
    awayMs,
    target: () => "database",
    kill({ databaseFaults }) {
      Object.assign(databaseFaults, { down: true, losesNotifications: 1 });
      return () => void Object.assign(databaseFaults, { down: false, losesNotifications: 0 });
    },
  },
} as const satisfies Readonly<Record<string, Victim>>;

export type VictimName = keyof typeof victims;
export const victimNames = Object.keys(victims) as VictimName[];

// What a simulated BMC can do to its machine. The lab's machines are behind it (socket-chassis.ts);
// without one there is a chassis that only remembers.

import type { UdpAddress } from "../../../site-agent/ports.ts";

export type ChassisAction = "off" | "on" | "cycle" | "reset" | "soft";

export interface ChassisBoot {
  /** Boot device selector of IPMI 2.0 table 28-14; 0 takes the override back. */
  readonly selector: number;
  readonly persistent: boolean;
  readonly uefi: boolean;
}

/** Errors thrown here become completion code FFh. `by`: whose packet it was; absent: the BMC's own doing. */
export interface Chassis {
  power(): Promise<{ readonly on: boolean }>;
  set(action: ChassisAction, by?: UdpAddress): Promise<void>;
  /** The BMC said no: the machine is off. */
  refused?(action: ChassisAction, by: UdpAddress): void;
  bootDevice(boot: ChassisBoot, by?: UdpAddress): Promise<void>;
}

export interface MemoryChassis extends Chassis {
  /** All that was done to it, in order. */
  readonly actions: readonly ChassisAction[];
  readonly boot: ChassisBoot;
}

/** A machine that switches at once. */
export function makeMemoryChassis(on = false): MemoryChassis {
  let isOn = on;
  const actions: ChassisAction[] = [];
  let boot: ChassisBoot = { selector: 0, persistent: false, uefi: false };
  return {
    actions,
    get boot() {
      return boot;
    },
    async power() {
      return { on: isOn };
    },
    async set(action) {
      actions.push(action);
      isOn = action !== "off" && action !== "soft";
    },
    async bootDevice(request) {
      boot = request;
    },
  };
}

// A lab machine as chassis: speaks the chassis-control words of ../machine/chassis-server.ts.
import { bootSelector } from "../../../shared/wire/ipmi/chassis-commands.ts";
import { askChassis } from "../machine/ask-chassis.ts";
import type { Chassis, ChassisAction } from "./chassis.ts";

const actionWords: Readonly<Record<ChassisAction, readonly [noun: string, value: string]>> = {
  off: ["power", "0"],
  on: ["power", "1"],
  cycle: ["cycle", "1"],
  reset: ["reset", "1"],
  soft: ["shutdown", "1"],
};

const bootWords: Readonly<Record<number, string>> = {
  [bootSelector.none]: "none",
  [bootSelector.pxe]: "pxe",
  [bootSelector.disk]: "disk",
  [bootSelector.cdrom]: "cdrom",
  [bootSelector.setup]: "bios",
  [bootSelector.remoteCdrom]: "cdrom",
  [bootSelector.remoteDisk]: "disk",
};

export function makeSocketChassis(socketPath: string): Chassis {
  return {
    async power() {
      const lines = await askChassis(socketPath, "get", "power");
      return { on: lines.includes("power:1") };
    },
    async set(action) {
      await askChassis(socketPath, "set", ...actionWords[action]);
    },
    async bootDevice({ selector, persistent, uefi }) {
      const word = bootWords[selector];
      if (word === undefined) throw new Error(`No machine boots from selector ${selector}`);
      const flags = [...(persistent ? ["persistent"] : []), ...(uefi ? ["efi"] : [])];
      await askChassis(socketPath, "set", "boot", word, ...flags);
    },
  };
}

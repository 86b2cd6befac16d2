// Cells that cannot be, with the reason: only a ramdisk that runs can be killed. Written down by hand and compared with
// what the run shows, so that no cell is left out unnoticed.

export const noRamdisk = {
  never: "the machine is not booted for this operation, or runs its own system",
  before: "the ramdisk has not booted yet",
  after: "the ramdisk has left the machine",
  off: "the BMC has switched the machine off",
} as const;
export type NoRamdisk = keyof typeof noRamdisk;

/** When the ramdisk is not there. What "stay" left behind is there from the beginning. */
export const ramdiskIn: Readonly<Record<string, readonly NoRamdisk[]>> = {
  register: ["never"],
  inspect: ["before"],
  prepare: [],
  provision: ["after"],
  "inspect, then off": ["before", "after"],
  "prepare, then off": ["before", "after"],
  "provision from off": ["before", "after"],
  "power on": ["never"],
  "power off": ["never"],
  "power off, at once": ["off"],
  "reboot, on": ["never"],
  reset: ["never"],
  recall: ["never"],
  deprovision: ["before"],
  "deprovision, then off": ["before", "after"],
};

// A machine without peculiarities, for fleets that are written by hand.
import type { MachinePlan } from "./scenario.ts";

/** Somebody has used its one disk. */
export function plainMachine(name: string, site = "site-1"): MachinePlan {
  return {
    name,
    site,
    firmware: "UEFI",
    cipherSuite: 17,
    disks: [{ serialNumber: `${name}-d1`, sizeBytes: 16 * 1024 ** 3 }],
    content: "old",
    bootOrder: ["network", "disk"],
    quirks: [],
    shuffledDisks: false,
  };
}

// The MachineBoot port on Node: what Linux calls a boot, proc(5) /proc/sys/kernel/random/boot_id, and CLOCK_MONOTONIC.
import { readFileSync } from "node:fs";
import type { MachineBoot } from "../ports.ts";

const path = "/proc/sys/kernel/random/boot_id";

/** Undefined: this is no Linux. */
export function readNodeMachineBoot(): MachineBoot | undefined {
  try {
    const id = readFileSync(path, "utf8").trim();
    return { id, sinceMs: () => Number(process.hrtime.bigint() / 1_000_000n) };
  } catch {
    return undefined;
  }
}

// The processors, from /proc/cpuinfo and cpufreq, mapped as baremetal-operator does.
import type { HardwareDetails } from "../../../shared/metal3/hardware-details.ts";
import type { SystemFiles } from "../ports.ts";
import { readNumber, readText } from "./read-text.ts";

export async function readCpu(system: SystemFiles): Promise<NonNullable<HardwareDetails["cpu"]>> {
  const info = (await readText(system, "/proc/cpuinfo")) ?? "";
  const arch = await readText(system, "/proc/sys/kernel/arch");
  const model = field(info, "model name");
  // What the processor can do at most; what it does at the moment says nothing.
  const maxKilohertz = await readNumber(
    system,
    "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
  );
  const megahertz =
    maxKilohertz === undefined ? Number(field(info, "cpu MHz")) : maxKilohertz / 1000;
  // "Features" on ARM.
  const flags = (field(info, "flags") ?? field(info, "Features") ?? "").split(" ");
  return {
    ...(arch === undefined ? {} : { arch }),
    ...(model === undefined ? {} : { model }),
    ...(Number.isFinite(megahertz) ? { clockMegahertz: Math.round(megahertz) } : {}),
    flags: flags.filter((flag) => flag !== "").toSorted(),
    count: info.match(/^processor\s*:/gm)?.length ?? 0,
  };
}

/** The first value of a field: they are the same for every processor. */
function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*(.+)$`, "m").exec(info)?.[1]?.trim();
}

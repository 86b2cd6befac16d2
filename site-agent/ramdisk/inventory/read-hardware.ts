// The whole inventory of the machine. Read-only.
import type { HardwareDetails } from "../../../shared/metal3/hardware-details.ts";
import type { NetworkAddress, SystemFiles } from "../ports.ts";
import { readCpu } from "./read-cpu.ts";
import { readDisks } from "./read-disks.ts";
import { readMemoryMebibytes } from "./read-memory.ts";
import { readNics } from "./read-nics.ts";
import { readText } from "./read-text.ts";

const dmi = "/sys/class/dmi/id";

export async function readHardware(
  system: SystemFiles,
  addresses: readonly NetworkAddress[],
  bootMac: string,
): Promise<HardwareDetails> {
  const hostname = await readText(system, "/proc/sys/kernel/hostname");
  const disks = await readDisks(system);
  return {
    systemVendor: await texts(system, {
      manufacturer: "sys_vendor",
      productName: "product_name",
      serialNumber: "product_serial",
    }),
    firmware: {
      bios: await texts(system, {
        vendor: "bios_vendor",
        version: "bios_version",
        date: "bios_date",
      }),
    },
    ramMebibytes: await readMemoryMebibytes(system),
    nics: [...(await readNics(system, addresses, bootMac))],
    storage: disks.map(({ storage }) => storage),
    cpu: await readCpu(system),
    // The kernel's own word for "none was set".
    ...(hostname === undefined || hostname === "(none)" ? {} : { hostname }),
  };
}

/** Fields whose DMI value is set. */
async function texts<K extends string>(
  system: SystemFiles,
  files: Readonly<Record<K, string>>,
): Promise<Partial<Record<K, string>>> {
  const found: Partial<Record<K, string>> = {};
  for (const key of Object.keys(files) as K[]) {
    const value = await readText(system, `${dmi}/${files[key]}`);
    if (value !== undefined) found[key] = value;
  }
  return found;
}

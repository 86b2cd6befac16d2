// Which machine this is, for the question at the point of no return.
import type { MachineIdentity } from "../../../shared/protocol/ramdisk.ts";
import type { SystemFiles } from "../ports.ts";
import { listNics } from "./read-nics.ts";
import { readText } from "./read-text.ts";

const dmi = "/sys/class/dmi/id";

/**
 * Cards on USB are left out unless the machine booted from one: they are often the BMC's, which a firmware
 * setting adds or removes. Addresses are the permanent ones because nothing in the ramdisk changes any.
 */
export async function readIdentity(system: SystemFiles, bootMac: string): Promise<MachineIdentity> {
  const uuid = (await readText(system, `${dmi}/product_uuid`))?.toLowerCase();
  const serialNumber = await readText(system, `${dmi}/product_serial`);
  const nics = await listNics(system);
  const macs = nics.filter(({ onUsb, mac }) => !onUsb || mac === bootMac).map(({ mac }) => mac);
  // SMBIOS 3.7 section 7.2.1: all zero is "not present", all ones "not set".
  const isSet = uuid !== undefined && !/^[0-]+$|^[f-]+$/.test(uuid);
  return {
    ...(isSet ? { systemUuid: uuid } : {}),
    ...(serialNumber === undefined ? {} : { serialNumber: serialNumber.slice(0, 128) }),
    macs: [...new Set(macs)].toSorted().slice(0, 256),
  };
}

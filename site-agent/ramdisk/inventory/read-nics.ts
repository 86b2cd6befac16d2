// The machine's network cards from sysfs, mapped as baremetal-operator does: a card with two kinds of
// addresses gives two entries. LLDP is not read.
import type { Nic } from "../../../shared/metal3/hardware-details.ts";
import type { NetworkAddress, SystemFiles } from "../ports.ts";
import { readNumber, readText } from "./read-text.ts";

export interface ListedNic {
  readonly name: string;
  /** Lower case. */
  readonly mac: string;
  /** A card on USB: usually the BMC's own, which comes and goes and may carry another machine's MAC. */
  readonly onUsb: boolean;
}

const folder = "/sys/class/net";

/** Cards with a device behind them and an Ethernet address, sorted by name. */
export async function listNics(system: SystemFiles): Promise<readonly ListedNic[]> {
  const nics: ListedNic[] = [];
  for (const name of await system.list(folder)) {
    const device = await system.realPath(`${folder}/${name}/device`);
    const mac = (await readText(system, `${folder}/${name}/address`))?.toLowerCase();
    if (device === undefined || mac === undefined) continue;
    const real = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) && mac !== "00:00:00:00:00:00";
    if (real) nics.push({ name, mac, onUsb: /\/usb\d+\//.test(device) });
  }
  return nics;
}

export async function readNics(
  system: SystemFiles,
  addresses: readonly NetworkAddress[],
  bootMac: string,
): Promise<readonly Nic[]> {
  const nics: Nic[] = [];
  for (const listed of await listNics(system)) {
    const nic = await readNic(system, listed, bootMac);
    const own = addresses.filter(({ name }) => name === listed.name);
    const ipv4 = own.find(({ family }) => family === "IPv4");
    // Link-local addresses tell nothing: every card has one.
    const ipv6 = own.find(
      ({ family, address }) => family === "IPv6" && !/^fe[89ab]/i.test(address),
    );
    if (ipv4 !== undefined) nics.push({ ...nic, ip: ipv4.address });
    if (ipv6 !== undefined) nics.push({ ...nic, ip: ipv6.address });
    if (ipv4 === undefined && ipv6 === undefined) nics.push(nic);
  }
  return nics;
}

async function readNic(
  system: SystemFiles,
  { name, mac }: ListedNic,
  bootMac: string,
): Promise<Nic> {
  const device = `${folder}/${name}/device`;
  const vendor = await readText(system, `${device}/vendor`);
  const product = await readText(system, `${device}/device`);
  const model = [vendor, product].filter((part) => part !== undefined).join(" ");
  const megabits = (await readNumber(system, `${folder}/${name}/speed`)) ?? 0;
  const realPath = (await system.realPath(device)) ?? "";
  // The card itself, not a bridge above it.
  const pciAddress = realPath.match(/[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.\d/g)?.at(-1);
  return {
    name,
    ...(model === "" ? {} : { model }),
    mac,
    // -1: no link.
    ...(megabits >= 1000 ? { speedGbps: Math.floor(megabits / 1000) } : {}),
    pxe: mac === bootMac,
    ...(pciAddress === undefined ? {} : { pciAddress }),
  };
}

// The names that udev gives a disk by the way it is connected (systemd udev-builtin-path_id.c), from its
// place in sysfs. There is no udev in the ramdisk, but users choose disks by these names in
// spec.rootDeviceHints. Fibre Channel, iSCSI and multipath NVMe have none here.
import type { SystemFiles } from "../ports.ts";
import { readNumber, readText } from "./read-text.ts";

const folder = "/dev/disk/by-path/";

/** Link names without partition suffix, the usual one first; empty when the way is not known. */
export async function diskPathNames(
  system: SystemFiles,
  realPath: string,
): Promise<readonly string[]> {
  const segments = realPath.split("/");
  const bus = await busOf(system, segments);
  if (bus === undefined) return [];
  const above = segments.slice(0, bus.firstSegment);
  const pci = above.findLast((segment) =>
    /^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.\d$/.test(segment),
  );
  if (pci === undefined) return [];
  const usb = above.findLast((segment) => /^\d+-[\d.]+:\d+\.\d+$/.test(segment));
  const usbPart = usb === undefined ? [] : [`usb-0:${usb.slice(usb.indexOf("-") + 1)}`];
  return bus.names.map(({ prefix, name }) =>
    [`${folder}${prefix}pci-${pci}`, ...usbPart, ...(name === "" ? [] : [name])].join("-"),
  );
}

interface Bus {
  /** Where the part of the path below the controller begins. */
  readonly firstSegment: number;
  readonly names: readonly { readonly prefix: string; readonly name: string }[];
}

async function busOf(system: SystemFiles, segments: readonly string[]): Promise<Bus | undefined> {
  const scsi = segments.findIndex((segment) => /^\d+:\d+:\d+:\d+$/.test(segment));
  if (scsi >= 0) return scsiBus(system, segments, scsi);
  const nvme = segments.indexOf("nvme");
  if (nvme >= 0) {
    const namespace = await readNumber(system, `${segments.join("/")}/nsid`);
    return namespace === undefined ? undefined : bus(nvme, `nvme-${namespace}`);
  }
  const virtio = segments.findIndex((segment) => /^virtio\d+$/.test(segment));
  if (virtio < 0) return undefined;
  const names = [
    { prefix: "", name: "" },
    { prefix: "virtio-", name: "" },
  ];
  return { firstSegment: virtio, names };
}

function bus(firstSegment: number, ...names: readonly string[]): Bus {
  return { firstSegment, names: names.map((name) => ({ prefix: "", name })) };
}

interface Place {
  readonly channel: string;
  readonly target: string;
  readonly lun: string;
}

function scsiBus(
  system: SystemFiles,
  segments: readonly string[],
  scsi: number,
): Promise<Bus | undefined> {
  const [, channel = "0", target = "0", lun = "0"] = (segments[scsi] ?? "").split(":");
  const place = { channel, target, lun };
  const unknown = segments.some((segment) => /^(rport-|session\d)/.test(segment));
  if (unknown) return Promise.resolve(undefined);
  const ata = segments.findIndex((segment) => /^ata\d+$/.test(segment));
  if (ata >= 0) return ataBus(system, segments, { ata, place });
  const host = segments.findIndex((segment) => /^host\d+$/.test(segment));
  const end = segments.findIndex((segment) => segment.startsWith("end_device-"));
  if (end >= 0) return sasBus(system, segments, { host, end, place });
  return plainBus(system, segments, { host, place });
}

async function ataBus(
  system: SystemFiles,
  segments: readonly string[],
  { ata, place }: { readonly ata: number; readonly place: Place },
): Promise<Bus | undefined> {
  const folder = segments.slice(0, ata + 1).join("/");
  const port = await readNumber(system, `${folder}/ata_port/${segments[ata] ?? ""}/port_no`);
  if (port === undefined) return undefined;
  // Behind a port multiplier the channel counts, else the target: master or slave.
  const behind = place.channel === "0" ? place.target : `${place.channel}.0`;
  return bus(ata, `ata-${port}.${behind}`, `ata-${port}`);
}

// Host numbers count through the machine; the name counts within the controller.
async function plainBus(
  system: SystemFiles,
  segments: readonly string[],
  { host, place }: { readonly host: number; readonly place: Place },
): Promise<Bus | undefined> {
  if (host < 0) return undefined;
  const first = await firstHost(system, segments.slice(0, host).join("/"));
  const number = Number((segments[host] ?? "").slice("host".length)) - first;
  return bus(host, `scsi-${number}:${place.channel}:${place.target}:${place.lun}`);
}

async function firstHost(system: SystemFiles, controller: string): Promise<number> {
  const names = await system.list(controller);
  const numbers = names.flatMap((name) => /^host(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  return numbers.length === 0 ? 0 : Math.min(...numbers);
}

// …/hostH/port-H:P/end_device-H:P/target… or …/expander-H:E/port-H:E:P/end_device-H:E:P/target…
async function sasBus(
  system: SystemFiles,
  segments: readonly string[],
  { host, end, place }: { readonly host: number; readonly end: number; readonly place: Place },
): Promise<Bus | undefined> {
  const attributes = (index: number): string =>
    `${segments.slice(0, index + 1).join("/")}/sas_device/${segments[index] ?? ""}`;
  const port = segments.slice(0, end).join("/");
  const phys = await readText(system, `${port}/sas_port/${segments[end - 1] ?? ""}/num_phys`);
  if (phys !== "1") {
    const address = await readText(system, `${attributes(end)}/sas_address`);
    return address === undefined ? undefined : bus(host, `sas-${address}-lun-${place.lun}`);
  }
  const phy = await readNumber(system, `${attributes(end)}/phy_identifier`);
  if (phy === undefined) return undefined;
  const expander = await readText(system, `${attributes(end - 2)}/sas_address`);
  const through = expander === undefined ? "" : `exp${expander}-`;
  return bus(host, `sas-${through}phy${phy}-lun-${place.lun}`);
}

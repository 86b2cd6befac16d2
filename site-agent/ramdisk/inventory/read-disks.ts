// The machine's disks from sysfs, as ironic-python-agent lists them and baremetal-operator maps them
// (hardwaredetails.go). Not listed: what is no disk (CD, floppy, RAM, loop, device mapper, md) and
// read-only removable media, which is what a BMC's virtual media looks like.
import type { Storage } from "../../../shared/metal3/hardware-details.ts";
import type { SystemFiles } from "../ports.ts";
import { diskPathNames } from "./disk-path.ts";
import { wwnOf } from "./disk-wwn.ts";
import { readNumber, readText, textOf } from "./read-text.ts";

export interface ListedDisk {
  /** As /dev/sda; good for this boot only. */
  readonly devicePath: string;
  readonly readOnly: boolean;
  readonly sectorBytes: number;
  readonly storage: Storage;
}

const notDisks =
  /^(ram|loop|zram|sr|fd|md|dm-|nbd|rbd|drbd|bcache|zd|mtdblock)\d|^mmcblk\d+(boot|rpmb)/;

/** The unit of sizes and places in sysfs, whatever the disk's own sectors are. */
const sysfsSector = 512;

/** Sorted by kernel name. */
export async function readDisks(system: SystemFiles): Promise<readonly ListedDisk[]> {
  const disks: ListedDisk[] = [];
  for (const name of await system.list("/sys/block")) {
    const disk = notDisks.test(name) ? undefined : await readDisk(system, name);
    if (disk !== undefined) disks.push(disk);
  }
  return disks;
}

export interface ListedPartition {
  /** As /dev/sda1. */
  readonly path: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
}

/** A disk's partitions as the kernel knows them, in the order of their numbers. */
export async function readPartitions(
  system: SystemFiles,
  devicePath: string,
): Promise<readonly ListedPartition[]> {
  const folder = `/sys/block/${devicePath.slice("/dev/".length)}`;
  const found: (ListedPartition & { number: number })[] = [];
  for (const name of await system.list(folder)) {
    const number = await readNumber(system, `${folder}/${name}/partition`);
    if (number === undefined) continue;
    const start = (await readNumber(system, `${folder}/${name}/start`)) ?? 0;
    const size = (await readNumber(system, `${folder}/${name}/size`)) ?? 0;
    const path = `/dev/${name}`;
    found.push({ path, number, startBytes: start * sysfsSector, sizeBytes: size * sysfsSector });
  }
  return found.toSorted((a, b) => a.number - b.number);
}

async function readDisk(system: SystemFiles, name: string): Promise<ListedDisk | undefined> {
  const folder = `/sys/block/${name}`;
  const sizeBytes = ((await readNumber(system, `${folder}/size`)) ?? 0) * sysfsSector;
  const readOnly = (await readNumber(system, `${folder}/ro`)) === 1;
  const removable = (await readNumber(system, `${folder}/removable`)) === 1;
  const hidden = (await readNumber(system, `${folder}/hidden`)) === 1;
  if (sizeBytes === 0 || hidden || (readOnly && removable)) return undefined;
  const realPath = (await system.realPath(folder)) ?? "";
  const rotational = (await readNumber(system, `${folder}/queue/rotational`)) === 1;
  const devicePath = `/dev/${name}`;
  const paths = await diskPathNames(system, realPath);
  const storage: Storage = {
    name: paths[0] ?? devicePath,
    alternateNames: [devicePath, ...paths],
    rotational,
    type: typeOf(name, rotational),
    sizeBytes,
    ...defined("vendor", await readText(system, `${folder}/device/vendor`)),
    ...defined("model", await readText(system, `${folder}/device/model`)),
    ...defined("serialNumber", await readSerial(system, folder, realPath)),
    ...wwnOf(await readWwid(system, folder)),
    ...defined("hctl", /\/(\d+:\d+:\d+:\d+)\//.exec(realPath)?.[1]),
  };
  const sectorBytes = (await readNumber(system, `${folder}/queue/logical_block_size`)) ?? 512;
  return { devicePath, readOnly, sectorBytes, storage };
}

function typeOf(name: string, rotational: boolean): "HDD" | "SSD" | "NVME" {
  if (rotational) return "HDD";
  return name.startsWith("nvme") ? "NVME" : "SSD";
}

async function readWwid(system: SystemFiles, folder: string): Promise<string | undefined> {
  return (
    (await readText(system, `${folder}/device/wwid`)) ?? (await readText(system, `${folder}/wwid`))
  );
}

async function readSerial(
  system: SystemFiles,
  folder: string,
  realPath: string,
): Promise<string | undefined> {
  // SCSI and ATA: vital product data page 80h, after its header of 4 bytes (SPC-5 section 7.7.19).
  const page = await system.read(`${folder}/device/vpd_pg80`);
  return (
    (page === undefined ? undefined : textOf(page.subarray(4))) ??
    (await readText(system, `${folder}/device/serial`)) ??
    (await readText(system, `${folder}/serial`)) ??
    (await readUsbSerial(system, realPath))
  );
}

// The disk's USB device is the folder above its interface "2-1:1.0".
function readUsbSerial(system: SystemFiles, realPath: string): Promise<string | undefined> {
  const device = /^.*\/\d+-[\d.]+(?=\/\d+-[\d.]+:\d+\.\d+\/)/.exec(realPath)?.[0];
  return device === undefined ? Promise.resolve(undefined) : readText(system, `${device}/serial`);
}

function defined<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, string>>);
}

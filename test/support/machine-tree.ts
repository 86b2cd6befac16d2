// What the kernel of a machine in memory shows in /proc and /sys, from a description of its hardware. Says what the
// ramdisk program reads, no more.
import { readGpt } from "../../shared/wire/gpt/gpt.ts";
import { protectiveType, readMbr } from "../../shared/wire/gpt/mbr.ts";
import type { ReadableDisk } from "./bootable-disk.ts";
import type { MachineTree } from "./fake-system-files.ts";

export interface DescribedMachine {
  readonly systemUuid?: string | undefined;
  readonly serialNumber?: string | undefined;
  /** The first one boots. */
  readonly macs: readonly string[];
  /** Of a card on USB. */
  readonly usbMac?: string | undefined;
  readonly disks: readonly DescribedDisk[];
  readonly firmware?: "BIOS" | "UEFI" | undefined;
}

export interface DescribedDisk {
  /** Kernel name, as sda or nvme0n1. */
  readonly name: string;
  readonly serialNumber: string;
  readonly sizeBytes: number;
  readonly readOnly?: boolean | undefined;
  readonly bus: "scsi" | "nvme" | "usb";
  /** Where it is plugged in, whatever its name: from 0. */
  readonly slot: number;
}

type Files = Record<string, string | (() => string)>;

/** More than a partition table and its header take (UEFI 2.10 section 5.3.1). */
const tableBytes = 64 * 1024;
const pci = "/sys/devices/pci0000:00";

/** `more` are files besides, as of partitions. */
export function makeMachineTree(machine: DescribedMachine, more: Files): MachineTree {
  const { systemUuid, serialNumber, macs, firmware } = machine;
  const dmi = "/sys/class/dmi/id";
  const files: Files = {
    "/proc/cpuinfo":
      "processor\t: 0\nmodel name\t: Fake CPU\ncpu MHz\t\t: 2000.000\nflags\t\t: lm fpu\n",
    "/proc/meminfo": "MemTotal:        4194304 kB\n",
    "/proc/sys/kernel/arch": "x86_64\n",
    [`${dmi}/sys_vendor`]: "Farrier\n",
    [`${dmi}/product_name`]: "Fake\n",
    ...(systemUuid === undefined ? {} : { [`${dmi}/product_uuid`]: `${systemUuid}\n` }),
    ...(serialNumber === undefined ? {} : { [`${dmi}/product_serial`]: `${serialNumber}\n` }),
    ...(firmware === "UEFI" ? { "/sys/firmware/efi/efivars/BootOrder-x": "" } : {}),
  };
  const links: Record<string, string> = {};
  const addCard = (name: string, mac: string, place: string): void => {
    const net = `/sys/class/net/${name}`;
    links[`${net}/device`] = `${pci}/${place}`;
    files[`${net}/address`] = `${mac}\n`;
    files[`${net}/device/vendor`] = "0x1af4\n";
    files[`${net}/device/device`] = "0x0001\n";
  };
  for (const [index, mac] of macs.entries()) {
    addCard(`eth${index}`, mac, `0000:00:0${2 + index}.0/virtio${index}`);
  }
  if (machine.usbMac !== undefined)
    addCard("usb0", machine.usbMac, "0000:00:1d.0/usb1/1-1/1-1:1.0");
  for (const disk of machine.disks) {
    links[`/sys/block/${disk.name}`] = placeOf(disk);
    Object.assign(files, filesOf(disk));
  }
  return { files: Object.assign(files, more), links };
}

function placeOf({ name, bus, slot }: DescribedDisk): string {
  switch (bus) {
    case "scsi":
      return `${pci}/0000:00:10.0/virtio9/host0/target0:0:${slot}/0:0:${slot}:0/${name}`;
    case "nvme":
      return `${pci}/0000:00:1${slot}.0/nvme/${name.replace(/n\d+$/, "")}/${name}`;
    case "usb":
      return `${pci}/0000:00:1d.0/usb2/2-${slot}/2-${slot}:1.0/host7/target7:0:0/7:0:0:0/${name}`;
  }
}

function filesOf(disk: DescribedDisk): Files {
  const block = `/sys/block/${disk.name}`;
  const files: Files = {
    [`${block}/size`]: `${disk.sizeBytes / 512}\n`,
    [`${block}/ro`]: disk.readOnly === true ? "1\n" : "0\n",
    [`${block}/queue/rotational`]: "0\n",
    [`${block}/queue/logical_block_size`]: "512\n",
  };
  if (disk.bus === "nvme") {
    files[`${placeOf(disk)}/nsid`] = "1\n";
    files[`${block}/device/model`] = "QEMU NVMe Ctrl   \n";
    files[`${block}/device/serial`] = `${disk.serialNumber}\n`;
    return files;
  }
  if (disk.bus === "usb") files[`${block}/removable`] = "1\n";
  files[`${block}/device/vendor`] = "QEMU    \n";
  files[`${block}/device/model`] = "QEMU HARDDISK   \n";
  files[`${block}/device/vpd_pg80`] = `\0\x80\0\x08${disk.serialNumber}`;
  return files;
}

/** What the kernel shows of the partition table that is on the disk. */
export function partitionFiles(name: string, disk: ReadableDisk): Record<string, string> {
  const head = { offset: 0, bytes: disk.peek(0, tableBytes) };
  const entries = readMbr(head.bytes.subarray(0, 512)) ?? [];
  const gpt = entries.some(({ type }) => type === protectiveType)
    ? readGpt([head], 1, 512)
    : undefined;
  const ranges =
    gpt === undefined
      ? entries.map(({ index, firstLba, sectors }) => ({ index, firstLba, sectors }))
      : gpt.ok
        ? gpt.value.entries.map(({ index, firstLba, lastLba }) => ({
            index,
            firstLba,
            sectors: lastLba - firstLba + 1,
          }))
        : [];
  const between = name.startsWith("nvme") ? "p" : "";
  const files: Record<string, string> = {};
  for (const { index, firstLba, sectors } of ranges) {
    const folder = `/sys/block/${name}/${name}${between}${index + 1}`;
    files[`${folder}/partition`] = `${index + 1}\n`;
    files[`${folder}/start`] = `${firstLba}\n`;
    files[`${folder}/size`] = `${sectors}\n`;
  }
  return files;
}

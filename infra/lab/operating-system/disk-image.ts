// Makes a disk image that boots by BIOS and by UEFI, from an EFI system partition with GRUB, a
// kernel and an initial RAM disk, and perhaps a root file system after it. Without loop devices, as
// those would outlive a kill, and the same bytes for the same content.

import { cp, mkdir, open, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../../preparation/run-program.ts";

/** Debian packages that this needs. */
export const diskImagePackages: readonly string[] = [
  "dosfstools",
  "fdisk",
  "grub-common",
  "grub-efi-amd64-bin",
  "grub-pc-bin",
  "mtools",
  "qemu-utils",
];

export interface DiskImageParts {
  readonly kernelPath: string;
  readonly initrdPath: string;
  /** The kernel's command line. */
  readonly commandLine: string;
  /** Size of the EFI system partition, which holds all of the above. */
  readonly bootMiB: number;
  /** A file with the root file system, a whole number of MiB. */
  readonly root?: { readonly path: string; readonly sizeMiB: number };
  /** 12 hexadecimal digits: the end of all GUIDs and the FAT's serial number come from it. */
  readonly identity: string;
}

const mib = 1024 * 1024;
const sectorBytes = 512;
const sectorsPerMib = mib / sectorBytes;

// One MiB each for the table with its copy and for GRUB's second stage (BIOS).
const coreStartMiB = 1;
const bootStartMiB = 2;

/** Writes the raw image `target`; `work` is an empty folder for what is in between. */
export async function makeDiskImage(
  target: string,
  work: string,
  parts: DiskImageParts,
): Promise<void> {
  const rootStartMiB = bootStartMiB + parts.bootMiB;
  const totalMiB = rootStartMiB + (parts.root?.sizeMiB ?? 0) + 1;
  await writeFile(target, "");
  await truncate(target, totalMiB * mib);
  await runProgram("sfdisk", ["--quiet", target], { input: partitionTable(parts, rootStartMiB) });
  await installBiosGrub(target, work);
  await place(await makeBootFileSystem(work, parts), target, bootStartMiB);
  if (parts.root !== undefined) await place(parts.root.path, target, rootStartMiB);
}

// Type GUIDs: BIOS boot partition (GRUB), EFI system partition (UEFI 2.10, table 5.6), Linux data.
function partitionTable(parts: DiskImageParts, rootStartMiB: number): string {
  const guid = (number: number): string => `fa221e2${number}-0000-4000-8000-${parts.identity}`;
  const at = (startMiB: number, sizeMiB: number): string =>
    `start=${startMiB * sectorsPerMib}, size=${sizeMiB * sectorsPerMib}`;
  const lines = [
    "label: gpt",
    `label-id: ${guid(0)}`,
    `${at(coreStartMiB, 1)}, type=21686148-6449-6E6F-744E-656564454649, uuid=${guid(1)}`,
    `${at(bootStartMiB, parts.bootMiB)}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=${guid(2)}, name=boot`,
  ];
  if (parts.root !== undefined) {
    const place = at(rootStartMiB, parts.root.sizeMiB);
    lines.push(`${place}, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=${guid(3)}, name=root`);
  }
  return `${lines.join("\n")}\n`;
}

const grubModules = ["normal", "configfile", "linux", "part_gpt", "fat", "echo", "boot", "reboot"];

// What grub-install does on a running system. "(,gpt2)" is partition 2 of the disk that booted.
async function installBiosGrub(target: string, work: string): Promise<void> {
  const corePath = join(work, "core.img");
  const image = ["--format=i386-pc", `--output=${corePath}`, "--prefix=(,gpt2)/grub"];
  await runProgram("grub-mkimage", [...image, "biosdisk", ...grubModules]);
  const boot = await readFile("/usr/lib/grub/i386-pc/boot.img");
  const core = await readFile(corePath);
  const coreSector = BigInt(coreStartMiB * sectorsPerMib);
  // boot.img: where the second stage starts; two NOPs where it would trust the BIOS's drive number.
  boot.writeBigUInt64LE(coreSector, 0x5c);
  boot.writeUInt16LE(0x9090, 0x66);
  // core.img begins with a sector that loads the rest: from where, how many sectors, to which segment.
  core.writeBigUInt64LE(coreSector + 1n, 0x1f4);
  core.writeUInt16LE(Math.ceil(core.length / sectorBytes) - 1, 0x1fc);
  core.writeUInt16LE(0x820, 0x1fe);
  const disk = await open(target, "r+");
  // Behind byte 440 the sector belongs to the partition table.
  await disk.write(boot, 0, 440, 0);
  await disk.write(core, 0, core.length, coreStartMiB * mib);
  await disk.close();
}

// FAT knows no time before 1980: 2020-01-01.
const epoch = "1577836800";

async function makeBootFileSystem(work: string, parts: DiskImageParts): Promise<string> {
  const tree = join(work, "boot");
  await mkdir(join(tree, "EFI/BOOT"), { recursive: true });
  await mkdir(join(tree, "grub"));
  const efi = ["--format=x86_64-efi", `--output=${join(tree, "EFI/BOOT/BOOTX64.EFI")}`];
  await runProgram("grub-mkimage", [...efi, "--prefix=/grub", ...grubModules]);
  await cp(parts.kernelPath, join(tree, "vmlinuz"));
  await cp(parts.initrdPath, join(tree, "initrd"));
  await writeFile(join(tree, "grub/grub.cfg"), grubConfig(parts.commandLine));

  const path = join(work, "boot.fat");
  await writeFile(path, "");
  await truncate(path, parts.bootMiB * mib);
  const serial = parts.identity.slice(-8);
  const format = ["-F", "16", "-s", "16", "-n", "BOOT", "-i", serial, "--invariant"];
  await runProgram("mkfs.vfat", [...format, path]);
  const script = `cd "$1" && find . -exec touch --date=@${epoch} {} + && mcopy -s -m -i "$2" * ::`;
  await runProgram("sh", ["-c", script, "sh", tree, path], { env: { SOURCE_DATE_EPOCH: epoch } });
  return path;
}

function grubConfig(commandLine: string): string {
  return `set timeout=0
linux /vmlinuz ${commandLine}
initrd /initrd
boot
`;
}

async function place(path: string, target: string, startMiB: number): Promise<void> {
  const where = ["bs=1M", `seek=${startMiB}`, "conv=notrunc,sparse"];
  await runProgram("dd", [`if=${path}`, `of=${target}`, ...where, "status=none"]);
}

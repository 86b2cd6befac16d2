// The lab's real operating system image: Debian 12 with systemd and cloud-init, which takes network,
// hostname and user data from a config drive. It boots by BIOS and by UEFI, with its messages on the
// serial console, and nobody can log in unless the user data says so.

import {
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cached } from "../../preparation/cache.ts";
import { ensureDebianPackages } from "../../preparation/debian-packages.ts";
import type { Progress, ProgressStep } from "../../preparation/progress.ts";
import { asStep } from "../../preparation/progress.ts";
import { runProgram } from "../../preparation/run-program.ts";
import { quickKernelParameters } from "../quick-kernel.table.ts";
import { diskImagePackages, makeDiskImage } from "./disk-image.ts";
import { describeImage, finishImage } from "./operating-system-image.ts";
import type { OperatingSystemImage } from "./operating-system-image.ts";

const customize = new URL("debian-customize.sh", import.meta.url).pathname;

const identity = "fa221e2d0012";
const rootUuid = "fa221e20-0000-4000-8000-fa221e2d0012";
const bootMiB = 100;
const commandLine = [
  `root=UUID=${rootUuid} ro console=ttyS0 systemd.show_status=1 net.ifnames=0 fsck.mode=skip`,
  ...quickKernelParameters,
].join(" ");

const included = [
  "cloud-init",
  "curl",
  "dbus",
  "initramfs-tools",
  "iproute2",
  "linux-image-amd64",
  "systemd-sysv",
  "udev",
  "wget",
  "zstd",
];

// What lab machines are made of.
const initrdModules = ["virtio_pci", "virtio_scsi", "ahci", "nvme", "sd_mod", "ext4"];

// Of 390 MB of kernel modules, what a lab machine has a device or a use for: an emulated processor writes every byte.
const keptModules = [
  "arch/x86/crypto block crypto drivers/acpi drivers/ata drivers/cdrom drivers/char/hw_random",
  "drivers/input/evdev.ko",
  "drivers/net/ethernet/intel/e1000e drivers/net/net_failover.ko drivers/net/veth.ko",
  "drivers/net/virtio_net.ko drivers/nvme/host drivers/pps drivers/ptp drivers/scsi/scsi_common.ko",
  "drivers/scsi/scsi_mod.ko drivers/scsi/sd_mod.ko drivers/scsi/sg.ko drivers/scsi/sr_mod.ko",
  "drivers/scsi/virtio_scsi.ko drivers/virtio fs/autofs fs/efivarfs fs/ext4 fs/fat fs/isofs",
  "fs/jbd2 fs/mbcache.ko fs/nls fs/overlayfs lib net/802 net/bridge net/core net/llc",
].flatMap((line) => line.split(" "));
const leftOutPaths = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/locale/*",
  "/usr/share/info/*",
  "/usr/share/i18n/*",
  "/usr/lib/x86_64-linux-gnu/gconv/*",
  "/lib/udev/hwdb.d/*",
  "/lib/modules/*/kernel/*",
];

/** What an image has beyond Debian with cloud-init. */
export interface DebianFlavour {
  /** Of the cache's folder. */
  readonly name: string;
  readonly title: string;
  readonly rootMiB: number;
  readonly packages?: readonly string[];
  /** Files of the packages that are not wanted. */
  readonly leftOut?: readonly string[];
  /** Called with a folder whose content is copied over the root. */
  readonly furnish?: (folder: string, work: string) => Promise<void>;
  /** Everything that shapes what `furnish` does. */
  readonly key?: unknown;
}

/** Builds the image, 0.7 GiB, or takes it from the cache. Needs root; about a minute. */
export function ensureDebianImage(progress: Progress): Promise<OperatingSystemImage> {
  return ensureDebian(
    { name: "debian-image", title: "make the Debian 12 image", rootMiB: 600 },
    progress,
  );
}

export async function ensureDebian(
  flavour: DebianFlavour,
  progress: Progress,
): Promise<OperatingSystemImage> {
  await ensureDebianPackages([...diskImagePackages, "mmdebstrap", "e2fsprogs"], progress);
  const { packages = [], leftOut = [], key: more } = flavour;
  const key = {
    customize: await readFile(customize, "utf8"),
    included: [...included, ...packages],
    initrdModules,
    leftOut: [...leftOutPaths, ...leftOut],
    keptModules,
    commandLine,
    sizes: [bootMiB, flavour.rootMiB],
    version: 1,
    ...(more === undefined ? {} : { more }),
  };
  const { dir } = await cached(
    flavour.name,
    key,
    (target, report) =>
      asStep(report, flavour.title, async (step) => {
        const work = await mkdtemp(join(tmpdir(), "farrier-debian-"));
        try {
          await build(target, work, { flavour, step });
        } finally {
          await rm(work, { recursive: true, force: true });
        }
      }),
    progress,
  );
  return describeImage(dir);
}

interface Building {
  readonly flavour: DebianFlavour;
  readonly step: ProgressStep;
}

async function build(target: string, work: string, building: Building): Promise<void> {
  const root = join(work, "root");
  await bootstrap(root, work, building);
  building.step.note("packing");
  const [kernelPath, initrdPath] = await Promise.all([
    bootFile(root, "vmlinuz-"),
    bootFile(root, "initrd.img-"),
  ]);
  const kernel = join(work, "vmlinuz");
  const initrd = join(work, "initrd");
  await copyFile(kernelPath, kernel);
  await copyFile(initrdPath, initrd);
  await rm(join(root, "boot"), { recursive: true });
  await mkdir(join(root, "boot"));
  const rootFile = join(work, "root.ext4");
  const { rootMiB } = building.flavour;
  await makeRootFileSystem(root, rootFile, rootMiB);
  await makeDiskImage(join(target, "image.raw"), work, {
    kernelPath: kernel,
    initrdPath: initrd,
    commandLine,
    bootMiB,
    root: { path: rootFile, sizeMiB: rootMiB },
    identity,
  });
  await finishImage(target);
}

async function bootstrap(
  root: string,
  work: string,
  { flavour: { packages = [], leftOut = [], furnish }, step }: Building,
): Promise<void> {
  const initramfs = join(work, "initramfs.conf");
  await writeFile(initramfs, "MODULES=list\nCOMPRESS=zstd\n");
  const modules = join(work, "modules");
  await writeFile(modules, `${initrdModules.join("\n")}\n`);
  const furniture = join(work, "furniture");
  await mkdir(furniture);
  await furnish?.(furniture, work);
  const options = [
    ["--variant=minbase", "--mode=root", `--include=${[...included, ...packages].join(",")}`],
    ['--aptopt=APT::Install-Recommends "false"'],
    ["--dpkgopt=force-confold", "--dpkgopt=force-unsafe-io"],
    [...leftOutPaths, ...leftOut].map((path) => `--dpkgopt=path-exclude=${path}`),
    // The last that fits a file holds.
    keptModules.map((path) => `--dpkgopt=path-include=/lib/modules/*/kernel/${path}*`),
    ['--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d"'],
    [`--essential-hook=copy-in ${initramfs} /etc/initramfs-tools/conf.d`],
    [`--essential-hook=copy-in ${modules} /etc/initramfs-tools`],
    [`--customize-hook=cp -a ${furniture}/. "$1"`],
    [`--customize-hook=${customize}`],
  ].flat();
  await runProgram("mmdebstrap", [...options, "bookworm", root], {
    env: { ROOT_UUID: rootUuid, SOURCE_DATE_EPOCH: "1577836800", TMPDIR: work },
    onLine: (line) => step.note(line),
  });
}

async function makeRootFileSystem(root: string, path: string, rootMiB: number): Promise<void> {
  await writeFile(path, "");
  await truncate(path, rootMiB * 1024 * 1024);
  const identified = ["-U", rootUuid, "-E", `hash_seed=${rootUuid},root_owner=0:0`, "-L", "root"];
  // Small tables and no journal replay to wait for: this disk is thrown away.
  const small = ["-N", "65536", "-J", "size=16", "-m", "0"];
  const format = ["-q", "-t", "ext4", "-d", root, ...identified, ...small];
  await runProgram("mke2fs", [...format, path]);
}

async function bootFile(root: string, prefix: string): Promise<string> {
  const found = (await readdir(join(root, "boot"))).find((name) => name.startsWith(prefix));
  if (found === undefined) throw new Error(`The new Debian has no /boot/${prefix}*`);
  return join(root, "boot", found);
}

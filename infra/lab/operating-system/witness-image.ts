// The lab's small operating system image: it boots in seconds by BIOS and by UEFI, takes address
// and user data from the config drive, and never writes to a disk, so that after a deployment the
// disk still is what the image was. For cloud-init's behaviour there is debian-image.ts.

import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cached } from "../../preparation/cache.ts";
import { ensureDebianPackages } from "../../preparation/debian-packages.ts";
import type { Progress } from "../../preparation/progress.ts";
import { asStep } from "../../preparation/progress.ts";
import { runProgram } from "../../preparation/run-program.ts";
import { packArchive } from "../../ramdisk/archive.ts";
import { copyModules } from "../../ramdisk/kernel-modules.ts";
import { ensureKernel } from "../../ramdisk/kernel.ts";
import type { Kernel } from "../../ramdisk/kernel.ts";
import { quickKernelParameters } from "../quick-kernel.table.ts";
import { diskImagePackages, makeDiskImage } from "./disk-image.ts";
import { describeImage, finishImage } from "./operating-system-image.ts";
import type { OperatingSystemImage } from "./operating-system-image.ts";

const scripts = {
  init: new URL("witness-init.sh", import.meta.url).pathname,
  "etc/load-drivers.sh": new URL("../../ramdisk/load-drivers.sh", import.meta.url).pathname,
  "etc/udhcpc.sh": new URL("../../ramdisk/udhcpc.sh", import.meta.url).pathname,
};

// What lab machines are made of, and no more: the image is compared byte by byte in tests.
const modules = [
  "virtio_pci",
  "virtio_net",
  "virtio_scsi",
  "e1000e",
  "nvme",
  "ahci",
  "sd_mod",
  "sr_mod",
  "isofs",
  "vfat",
  "nls_cp437",
  "nls_ascii",
  "nls_utf8",
  "button",
  "evdev",
];

const bootMiB = 61;
const identity = "fa221e2d0001";
const commandLine = ["console=ttyS0 panic=10", ...quickKernelParameters].join(" ");

/**
 * Builds the image, 64 MiB, or takes it from the cache.
 *
 * User data that starts with `#!` is run by busybox sh, again and again until it ends with 0, with
 * the instance's uuid in `$UUID` and busybox's `wget` at hand. The console says `witness: …`.
 */
export async function ensureWitnessImage(progress: Progress): Promise<OperatingSystemImage> {
  const packages = [...diskImagePackages, "busybox-static", "cpio", "zstd"];
  await ensureDebianPackages(packages, progress);
  const kernel = await ensureKernel(progress);
  const texts = await Promise.all(Object.values(scripts).map((path) => readFile(path, "utf8")));
  const key = { kernel: kernel.sha256, texts, modules, bootMiB, identity, commandLine, version: 2 };
  const { dir } = await cached(
    "witness-image",
    key,
    (target, report) =>
      asStep(report, "make the witness image", async () => {
        const work = await mkdtemp(join(tmpdir(), "farrier-witness-"));
        try {
          await build(target, work, kernel);
        } finally {
          await rm(work, { recursive: true, force: true });
        }
      }),
    progress,
  );
  return describeImage(dir);
}

async function build(target: string, work: string, kernel: Kernel): Promise<void> {
  const root = join(work, "root");
  for (const folder of ["bin", "config", "dev", "etc/acpi", "proc", "run", "sbin", "sys"]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await copyFile("/bin/busybox", join(root, "bin/busybox"));
  const { stdout } = await runProgram("busybox", ["--list"]);
  for (const name of stdout.split("\n").filter((line) => line !== "" && line !== "busybox")) {
    await symlink("busybox", join(root, "bin", name));
  }
  await symlink("../bin/busybox", join(root, "sbin/modprobe"));
  await copyModules(kernel.modulesDirectory, { root, version: kernel.version }, modules);
  for (const [name, source] of Object.entries(scripts)) {
    await copyFile(source, join(root, name));
    await chmod(join(root, name), 0o755);
  }
  // busybox acpid runs the file that is named for the event.
  await mkdir(join(root, "etc/acpi/PWRF"), { recursive: true });
  const powerButton = join(root, "etc/acpi/PWRF/00000080");
  await writeFile(powerButton, "#!/bin/sh\npoweroff -f\n", { mode: 0o755 });

  const initrdPath = join(work, "initrd");
  await packArchive(root, initrdPath, 17);
  await makeDiskImage(join(target, "image.raw"), work, {
    kernelPath: kernel.imagePath,
    initrdPath,
    commandLine,
    bootMiB,
    identity,
  });
  await finishImage(target);
}

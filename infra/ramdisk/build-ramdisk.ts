// What a site boots to inspect, erase and write a host: Debian's kernel and two archives, the base
// and our program. It serves nothing; the agent's netboot hands the files out.

import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ensureDebianPackages } from "../preparation/debian-packages.ts";
import type { Progress } from "../preparation/progress.ts";
import { asStep } from "../preparation/progress.ts";
import { baseArchivePackages, ensureBaseArchive } from "./base-archive.ts";
import { ensureKernel } from "./kernel.ts";
import { writeProgramArchive } from "./program-archive.ts";

export interface Ramdisk {
  readonly kernelPath: string;
  /** Load them in this order; they are one initial RAM file system. */
  readonly initrdPaths: readonly string[];
  /** Of the kernel and the archives together. */
  readonly bytes: number;
}

/** The most that a host must load, of the kernel and the archives together. */
export const ramdiskBytesLimit = 60_000_000;

const programEntry = new URL("../../site-agent/ramdisk/main.ts", import.meta.url).pathname;

/**
 * Builds the ramdisk: about a minute the first time, a second from then on.
 *
 * The kernel's command line, which netboot renders:
 * `rootfstype=ramfs console=ttyS0 panic=30 farrier.agent=https://IP:PORT
 * farrier.fingerprint=SHA256_HEX farrier.token=BOOT_TOKEN farrier.mac=aa:bb:cc:dd:ee:ff`.
 * Without `rootfstype=ramfs` the kernel caps the root file system at half of the memory and a
 * machine of 512 MiB does not boot. `farrier.mac` picks the card that asks for an address.
 * The program is /farrier/ramdisk.mjs, run by the Node it was tested with; when it ends, the
 * machine restarts after 60 s.
 *
 * @param directory where the program's archive goes; the rest is in the cache
 * @param entryPath another program than site-agent/ramdisk/main.ts, for tests
 */
export async function buildRamdisk(options: {
  readonly directory: string;
  readonly progress: Progress;
  readonly entryPath?: string;
}): Promise<Ramdisk> {
  const { directory, progress, entryPath = programEntry } = options;
  await ensureDebianPackages(baseArchivePackages, progress);
  const kernel = await ensureKernel(progress);
  const basePath = await ensureBaseArchive(kernel, process.execPath, progress);
  await mkdir(directory, { recursive: true });
  const programPath = join(directory, "program.cpio.zst");
  await rm(programPath, { force: true });
  await asStep(progress, "bundle the ramdisk's program", () =>
    writeProgramArchive(entryPath, programPath),
  );
  const initrdPaths = [basePath, programPath];
  const sizes = await Promise.all([kernel.imagePath, ...initrdPaths].map((path) => stat(path)));
  const bytes = sizes.reduce((sum, file) => sum + file.size, 0);
  if (bytes > ramdiskBytesLimit) {
    throw new Error(`The ramdisk has ${bytes} bytes, over the limit of ${ramdiskBytesLimit}`);
  }
  return { kernelPath: kernel.imagePath, initrdPaths, bytes };
}

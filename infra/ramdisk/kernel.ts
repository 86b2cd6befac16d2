// Debian's generic kernel with the modules of the table, taken from its package without installing
// it, and kept in the cache. The ramdisk boots it, and so does the lab's witness image.

import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cached } from "../preparation/cache.ts";
import { ensureDebianPackages } from "../preparation/debian-packages.ts";
import type { Progress } from "../preparation/progress.ts";
import { asStep } from "../preparation/progress.ts";
import {
  describeDebianArchive,
  resolveMetaPackage,
  unpackDebianPackage,
} from "./debian-archives.ts";
import { copyModules, indexModules } from "./kernel-modules.ts";
import { ramdiskModules } from "./modules.table.ts";

export interface Kernel {
  /** As `uname -r` prints it. */
  readonly version: string;
  readonly imagePath: string;
  /** `…/lib/modules/VERSION`, indexed. */
  readonly modulesDirectory: string;
  /** Names the package's content: part of the key of whatever is made from the kernel. */
  readonly sha256: string;
}

export async function ensureKernel(progress: Progress): Promise<Kernel> {
  await ensureDebianPackages(["busybox-static"], progress);
  const packageName = await resolveMetaPackage("linux-image-amd64", /^linux-image-\d/);
  const archive = await describeDebianArchive(packageName);
  const names = Object.values(ramdiskModules).flat();
  const { dir } = await cached(
    "kernel",
    { archive, names },
    (target, report) =>
      asStep(report, `fetch the kernel ${packageName}`, () => unpackKernel(packageName, target)),
    progress,
  );
  const version = packageName.replace(/^linux-image-/, "");
  return {
    version,
    imagePath: join(dir, "vmlinuz"),
    modulesDirectory: join(dir, "lib/modules", version),
    sha256: archive.sha256,
  };
}

async function unpackKernel(packageName: string, target: string): Promise<void> {
  const whole = await mkdtemp(join(tmpdir(), "farrier-kernel-"));
  try {
    await unpackDebianPackage(packageName, whole);
    const [version] = await readdir(join(whole, "lib/modules"));
    if (version === undefined) throw new Error(`The package ${packageName} holds no modules`);
    await indexModules(whole, version);
    await copyModules(
      join(whole, "lib/modules", version),
      { root: target, version },
      Object.values(ramdiskModules).flat(),
    );
    await copyFile(join(whole, "boot", `vmlinuz-${version}`), join(target, "vmlinuz"));
  } finally {
    await rm(whole, { recursive: true, force: true });
  }
}

// The part of the ramdisk that does not change with our code: busybox, Node, disk tools with their
// libraries, kernel modules and the init script. Kept in the cache.

import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm, stat, symlink } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { cached } from "../preparation/cache.ts";
import type { Progress } from "../preparation/progress.ts";
import { asStep } from "../preparation/progress.ts";
import { runProgram } from "../preparation/run-program.ts";
import { packArchive } from "./archive.ts";
import type { Kernel } from "./kernel.ts";
import { ramdiskTools } from "./tools.table.ts";

/** Debian packages that making the archive needs, the carried tools included. */
export const baseArchivePackages: readonly string[] = [
  "busybox-static",
  "binutils",
  "cpio",
  "zstd",
  ...ramdiskTools.map((tool) => tool.debianPackage),
];

const scripts = {
  "/init": new URL("init.sh", import.meta.url).pathname,
  "/etc/load-drivers.sh": new URL("load-drivers.sh", import.meta.url).pathname,
  "/etc/udhcpc.sh": new URL("udhcpc.sh", import.meta.url).pathname,
};

const toolPaths = ramdiskTools.flatMap((tool) => tool.programs);

/**
 * Returns the path of the archive.
 * @param nodePath the Node to carry; it must run on this machine, whose libraries go along
 */
export async function ensureBaseArchive(
  kernel: Kernel,
  nodePath: string,
  progress: Progress,
): Promise<string> {
  const key = {
    kernel: kernel.modulesDirectory,
    node: process.version,
    nodeBytes: (await stat(nodePath)).size,
    packages: await packageVersions([...baseArchivePackages, "libc6"]),
    scripts: await Promise.all(Object.values(scripts).map((path) => readFile(path, "utf8"))),
    toolPaths,
  };
  const { dir } = await cached(
    "ramdisk-base",
    key,
    (target, report) =>
      asStep(report, "pack the ramdisk's base", async () => {
        const root = await mkdtemp(join(tmpdir(), "farrier-ramdisk-"));
        try {
          await fill(root, kernel, nodePath);
          await packArchive(root, join(target, "base.cpio.zst"), 17);
        } finally {
          await rm(root, { recursive: true, force: true });
        }
      }),
    progress,
  );
  return join(dir, "base.cpio.zst");
}

async function fill(root: string, kernel: Kernel, nodePath: string): Promise<void> {
  await makeFolders(root);
  await copyWithLibraries(root, [...toolPaths, nodePath]);
  await rm(join(root, nodePath));
  await runProgram("strip", ["-o", join(root, "usr/bin/node"), nodePath]);
  await addBusybox(root);
  const modules = join(root, "usr/lib/modules", kernel.version);
  await cp(kernel.modulesDirectory, modules, { recursive: true });
  for (const [target, source] of Object.entries(scripts)) {
    await copyFile(source, join(root, target));
    await chmod(join(root, target), 0o755);
  }
}

// Debian's merged layout, so that a library is found under whichever path a program was linked to.
async function makeFolders(root: string): Promise<void> {
  const folders = ["dev", "etc", "farrier", "proc", "root", "run", "sys", "tmp", "mnt"];
  for (const folder of [...folders, "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    await symlink(`usr/${name}`, join(root, name));
  }
}

async function addBusybox(root: string): Promise<void> {
  await copyFile("/bin/busybox", join(root, "usr/bin/busybox"));
  const { stdout } = await runProgram("busybox", ["--list"]);
  for (const name of stdout.split("\n").filter((line) => line !== "" && line !== "busybox")) {
    const taken = ["usr/bin", "usr/sbin"].some((folder) => existsSync(join(root, folder, name)));
    if (!taken) await symlink("busybox", join(root, "usr/bin", name));
  }
  // The kernel calls this one by its path when a mount needs a file system's module.
  await symlink("../bin/busybox", join(root, "usr/sbin/modprobe"));
}

async function copyWithLibraries(root: string, programs: readonly string[]): Promise<void> {
  const { stdout } = await runProgram("ldd", programs);
  for (const path of new Set([...programs, ...librariesIn(stdout)])) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(path, target);
  }
}

/** The files that `ldd` names: `libc.so.6 => /lib/…/libc.so.6 (0x…)` and the loader's own line. */
export function librariesIn(lddOutput: string): string[] {
  const found = new Set<string>();
  for (const line of lddOutput.split("\n")) {
    const path = /^\s+(?:\S+ => )?(\/\S+) \(0x/.exec(line)?.[1];
    if (path !== undefined) found.add(path);
    if (line.includes("not found")) throw new Error(`A library is missing: ${line.trim()}`);
  }
  return [...found].toSorted((a, b) => basename(a).localeCompare(basename(b)));
}

async function packageVersions(names: readonly string[]): Promise<string> {
  const { stdout } = await runProgram("dpkg-query", [
    "--show",
    "--showformat=${Package}=${Version}\\n",
    ...names,
  ]);
  return stdout;
}

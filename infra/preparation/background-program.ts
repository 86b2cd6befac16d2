// Runs a program beside us (a database, an API server) with its output in a log file, until it is
// stopped, ends by itself, or we do: it cannot outlive us, kill -9 included. It restarts nothing.

import { closeSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { lastLines } from "./run-program.ts";
import { startTied } from "./tied-process.ts";

export interface BackgroundOptions {
  /** Gets stdout and stderr, appended. */
  readonly logFile: string;
  readonly cwd?: string;
  /** The whole environment of the program; ours by default. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface BackgroundProgram {
  /** The file name of the program. */
  readonly name: string;
  readonly pid: number;
  /** Resolves when the program is gone: how it ended, and the last lines of its log. */
  readonly exited: Promise<string>;
  /** The text of `exited` once the program is gone. */
  failure(): string | undefined;
  /** Asks it to end (SIGTERM), kills its whole group after `graceMs`; returns when it is gone. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts `command`. Whether it works is for the caller to find out, beside `failure()`. */
export function startBackgroundProgram(
  command: string,
  args: readonly string[],
  options: BackgroundOptions,
): BackgroundProgram {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, "a");
  const olderBytes = fstatSync(log).size;
  const tied = startTied(command, args, {
    stdio: ["ignore", log, log],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  closeSync(log);

  let failure: string | undefined;
  const exited = tied.exited.then(async ({ code, signal }) => {
    const end = signal === null ? `code ${code}` : signal;
    const said = await readFile(options.logFile).catch(() => Buffer.alloc(0));
    const lines = lastLines(said.subarray(olderBytes).toString("utf8"), 12);
    failure = [
      `${basename(command)} ended with ${end}`,
      ...lines,
      `The whole log is ${options.logFile}`,
    ].join("\n");
    return failure;
  });
  exited.catch(() => {});

  return {
    name: basename(command),
    pid: tied.child.pid ?? 0,
    exited,
    failure: () => failure,
    async stop(graceMs = 5_000) {
      tied.child.kill("SIGTERM");
      const timer = setTimeout(() => tied.kill(), graceMs);
      await exited.finally(() => clearTimeout(timer));
    },
  };
}

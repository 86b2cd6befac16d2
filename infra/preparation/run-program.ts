// Runs one program to its end and captures what it says; an unexpected exit becomes an error with
// the last lines and the path of the whole log. Never put a secret in `args`: errors quote them.

import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { startTied } from "./tied-process.ts";

export interface RunOptions {
  readonly cwd?: string;
  /** Added to our own environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gets stdout and stderr, appended. */
  readonly logFile?: string;
  /** Sent to stdin, which is empty otherwise. */
  readonly input?: string | Uint8Array;
  /** Kills the program, and whatever it started, when it takes longer. */
  readonly timeoutMs?: number;
  /** Called with each whole line of stdout and stderr, for progress notes. */
  readonly onLine?: (line: string) => void;
}

export interface ProgramResult {
  /** Exit code; 128 when a signal ended the program. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class ProgramFailure extends Error {
  readonly result: ProgramResult;
  constructor(message: string, result: ProgramResult) {
    super(message);
    this.name = "ProgramFailure";
    this.result = result;
  }
}

/** Runs the program and returns what it said. Throws `ProgramFailure` unless it exits with 0. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProgramResult> {
  const result = await tryProgram(command, args, options);
  if (result.code === 0) return result;
  const shown = [command, ...args].join(" ");
  const lines = [
    `${shown.length > 200 ? `${shown.slice(0, 199)}…` : shown} ended with code ${result.code}`,
    ...lastLines(`${result.stdout}\n${result.stderr}`, 15),
    ...(options.logFile === undefined ? [] : [`The whole log is ${options.logFile}`]),
  ];
  throw new ProgramFailure(lines.join("\n"), result);
}

/** Like `runProgram`, but an exit code other than 0 is a result. 127: no such program. */
export async function tryProgram(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProgramResult> {
  const tied = startTied(command, args, {
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const log =
    options.logFile === undefined ? undefined : createWriteStream(options.logFile, { flags: "a" });
  const stdout = collect(tied.child.stdout, log, options.onLine);
  const stderr = collect(tied.child.stderr, log, options.onLine);
  tied.child.stdin?.on("error", () => {});
  tied.child.stdin?.end(options.input);

  let timedOut = false;
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          tied.kill();
        }, options.timeoutMs);
  try {
    const { code } = await tied.exited;
    const late = timedOut ? `\n${command} was stopped: it took over ${options.timeoutMs} ms` : "";
    return { code: code ?? 128, stdout: stdout(), stderr: stderr() + late };
  } finally {
    clearTimeout(timer);
    if (log !== undefined) {
      log.end();
      await finished(log);
    }
  }
}

function collect(
  stream: NodeJS.ReadableStream | null,
  log: WriteStream | undefined,
  onLine: ((line: string) => void) | undefined,
): () => string {
  const chunks: Buffer[] = [];
  let partial = "";
  stream?.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    log?.write(chunk);
    if (onLine === undefined) return;
    const lines = (partial + chunk.toString("utf8")).split("\n");
    partial = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

/** The last non-empty lines of a text, in order. */
export function lastLines(text: string, count: number): string[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count);
}

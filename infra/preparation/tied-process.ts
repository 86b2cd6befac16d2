// Starts a child program that cannot outlive us: it runs in a process group of its own, beside a
// watcher that holds one end of a socket and kills the whole group when the other end (ours) is
// gone, also after kill -9. A child that leaves its group (setsid) escapes; start no daemons.

import { spawn } from "node:child_process";
import type { ChildProcess, StdioOptions } from "node:child_process";
import type { Writable } from "node:stream";

export interface TiedOptions {
  readonly cwd?: string;
  /** The whole environment of the child; ours by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** stdin, stdout and stderr, as `child_process.spawn` takes them. */
  readonly stdio: readonly ["pipe" | "ignore", "pipe" | number, "pipe" | number];
}

export interface TiedProcess {
  readonly child: ChildProcess;
  /** Code or signal of the program; by then nothing of its group is left. Throws if it cannot start. */
  readonly exited: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
  }>;
  /** Kills the whole group now. */
  kill(): void;
}

// The subshell ends at once, so that the watcher is no child of the program, which may wait for
// "any child". The watcher keeps no output open. `kill 0` is its own group, itself included.
const watched = `
( ( read -r _; kill -KILL 0 ) <&3 >/dev/null 2>&1 & )
exec 3<&-
exec "$@"
`;

/** Starts `command` (found in PATH) with `args`. A missing program ends with code 127. */
export function startTied(
  command: string,
  args: readonly string[],
  options: TiedOptions,
): TiedProcess {
  const stdio: StdioOptions = [...options.stdio, "pipe"];
  const child = spawn("/bin/sh", ["-c", watched, "sh", command, ...args], {
    detached: true,
    stdio,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const lifeline = child.stdio[3] as Writable | null | undefined;
  lifeline?.on("error", () => {});
  const kill = (): void => {
    lifeline?.destroy();
  };
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(
    (resolve, reject) => {
      child.once("error", reject);
      child.once("exit", kill);
      child.once("close", (code, signal) => resolve({ code, signal }));
    },
  );
  exited.catch(() => {});
  return { child, exited, kill };
}

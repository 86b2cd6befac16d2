// The Programs port on child processes: an argument vector, never a shell. Output is kept up to a
// bound; what comes after it is read and dropped, so that the program never blocks on us.

import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { err, ok, quote } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { ProgramResult, Programs } from "../ports.ts";

const maxOutputBytes = 8 * 1024 * 1024;

export const nodePrograms: Programs = {
  run(argv, options = {}) {
    const [program, ...args] = argv;
    if (program === undefined) throw new Error("A program needs a name: argv is empty");
    // A process group of its own, so that a timeout ends what the program started as well.
    const child = spawn(program, args, { detached: true });
    child.stdin.on("error", () => {}); // A program that does not read its input is no failure.
    child.stdin.end(options.input);
    return finish(child, program, options.timeoutMs);
  },
};

function finish(
  child: ChildProcessWithoutNullStreams,
  program: string,
  timeoutMs: number | undefined,
): Promise<Result<ProgramResult, "missing" | "timeout">> {
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  return new Promise((resolve) => {
    let late = false;
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            killGroup(child.pid);
          }, timeoutMs);
    child.on("error", (cause) => {
      clearTimeout(timer);
      resolve(err("missing", `Cannot start ${quote(program)}: ${cause.message}`));
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (late) resolve(err("timeout", `${quote(program)} took longer than ${timeoutMs} ms`));
      // 128: a signal ended it, as shells count.
      else resolve(ok({ code: code ?? 128, stdout: stdout(), stderr: stderr() }));
    });
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let keptBytes = 0;
  stream.on("data", (chunk: Buffer) => {
    const kept = chunk.subarray(0, maxOutputBytes - keptBytes);
    keptBytes += kept.length;
    if (kept.length > 0) chunks.push(kept);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is gone already; "close" follows.
  }
}

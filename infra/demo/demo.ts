// npm run demo [-- --keep | --down]: plays the story on real parts and prints it. With --keep the fleet stays up
// in a process of its own, which --down ends. Whatever happens, nothing is left behind.
import { spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, openSync, readSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endKeptFleets, rememberKeptFleet } from "./kept-fleets.ts";
import { playDemo } from "./play-demo.ts";

const { values } = parseArgs({
  options: {
    keep: { type: "boolean", default: false },
    down: { type: "boolean", default: false },
    hosted: { type: "string" },
  },
});

if (values.down) {
  const ended = await endKeptFleets();
  console.log(ended === 0 ? "No kept fleet is running." : `Ended ${ended} kept fleet(s).`);
} else if (values.hosted !== undefined) {
  await playHosted(values.hosted);
} else if (values.keep) {
  await followHosted(mkdtempSync(join(tmpdir(), "farrier-demo-")));
} else {
  const directory = mkdtempSync(join(tmpdir(), "farrier-demo-"));
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const played = await playDemo({
    directory,
    output: process.stdout,
    keep: false,
    signal: stop.signal,
  });
  if (played.ok) await rm(directory, { recursive: true, force: true });
  process.exit(played.ok ? 0 : 1);
}

/** The process that holds a kept fleet: prints into a file, and stays until it is told to end. */
async function playHosted(directory: string): Promise<void> {
  const output = createWriteStream(join(directory, "transcript.log"), { flags: "a" });
  const stop = new AbortController();
  const told = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        stop.abort();
        resolve();
      });
    }
  });
  const played = await playDemo({ directory, output, keep: true, signal: stop.signal });
  if (!played.ok) process.exit(1);
  const forget = await rememberKeptFleet(directory);
  output.write("\u0000kept\n");
  await told;
  await played.end();
  await forget();
  await rm(directory, { recursive: true, force: true });
  process.exit(0);
}

/** Starts that process and shows what it writes, until it is ready or gone. */
async function followHosted(directory: string): Promise<void> {
  const path = join(directory, "transcript.log");
  const file = openSync(path, "a+");
  const child = spawn(process.execPath, [import.meta.filename, "--hosted", directory], {
    detached: true,
    stdio: ["ignore", file, file],
  });
  let code: number | null | undefined;
  child.once("exit", (exitCode) => {
    code = exitCode;
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => child.kill(signal));
  const buffer = Buffer.alloc(65_536);
  let at = 0;
  for (;;) {
    const ended = code !== undefined;
    const count = readSync(file, buffer, 0, buffer.length, at);
    at += count;
    const text = buffer.toString("utf8", 0, count);
    process.stdout.write(text.replace("\u0000kept\n", ""));
    if (text.includes("\u0000kept\n")) process.exit(0);
    if (ended && count === 0) process.exit(code ?? 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// Which kept fleets there are: one small file each, named by the process that holds it and when that started, so
// that a recycled process id is never mistaken for one.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "../preparation/cache.ts";

const folder = () => join(cacheDirectory(), "kept-fleets");

/** Field 22 of /proc/PID/stat: start time in ticks since boot (proc(5)). Undefined: no such process. */
async function startTime(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ")[19];
}

/** Returns what removes the memory again. */
export async function rememberKeptFleet(directory: string): Promise<() => Promise<void>> {
  await mkdir(folder(), { recursive: true });
  const path = join(folder(), `${process.pid}.json`);
  await writeFile(path, JSON.stringify({ started: await startTime(process.pid), directory }));
  return () => rm(path, { force: true });
}

/** Asks each kept fleet to end and waits until it has; how many there were. */
export async function endKeptFleets(): Promise<number> {
  const names = await readdir(folder()).catch((): string[] => []);
  let ended = 0;
  for (const name of names) {
    const path = join(folder(), name);
    const pid = Number(name.replace(".json", ""));
    const { started } = JSON.parse(await readFile(path, "utf8")) as { started: string };
    if ((await startTime(pid)) === started) {
      process.kill(pid, "SIGTERM");
      while ((await startTime(pid)) === started)
        await new Promise((resolve) => setTimeout(resolve, 100));
      ended += 1;
    }
    await rm(path, { force: true });
  }
  return ended;
}

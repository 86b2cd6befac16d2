// An exclusive lock on a path, shared with other processes and network namespaces, that ends with
// its holder: flock(1) holds it for as long as it can read from us. The lock file stays behind,
// empty; removing it would let two holders in.

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { startTied } from "./tied-process.ts";

/** Runs `work` while holding the lock. `onWait` is called once if somebody else holds it. */
export async function withFileLock<T>(
  lockFile: string,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  let release = await tryFileLock(lockFile);
  if (release === undefined) {
    onWait();
    release = await acquire(lockFile, []);
  }
  if (release === undefined) {
    throw new Error(`Cannot lock "${lockFile}": check that flock (Debian: util-linux) runs there`);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Takes the lock until the returned function is called; undefined if somebody else holds it. */
export async function tryFileLock(lockFile: string): Promise<(() => Promise<void>) | undefined> {
  await mkdir(dirname(lockFile), { recursive: true });
  return acquire(lockFile, ["--nonblock"]);
}

async function acquire(
  lockFile: string,
  flags: readonly string[],
): Promise<(() => Promise<void>) | undefined> {
  const holder = startTied(
    "flock",
    [...flags, "--exclusive", "--no-fork", lockFile, "sh", "-c", "echo held; exec cat"],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  const held = new Promise<true>((resolve) => {
    holder.child.stdout?.once("data", () => resolve(true));
  });
  const won = await Promise.race([held, holder.exited.then(() => false)]);
  if (!won) return undefined;
  return async () => {
    holder.child.stdin?.end();
    await holder.exited;
  };
}

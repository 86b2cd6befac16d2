// Keeps what takes long to make (programs, images) in folders named for everything that shapes
// them, so that a changed key is a new folder. Two runs at once make a thing once; a run that is
// cut off leaves nothing that looks finished. Nothing here expires: delete the folder at will.

import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { withFileLock } from "./file-lock.ts";
import type { Progress, ProgressStep } from "./progress.ts";
import { silentProgress } from "./progress.ts";
import { runProgram } from "./run-program.ts";

export interface Cached {
  /** The finished folder. Read only: others use it too. */
  readonly dir: string;
  readonly fromCache: boolean;
  /** How long the caller waited, in milliseconds. */
  readonly ms: number;
}

/** Fills the empty folder `dir`; it is moved afterwards, so nothing in it may name that path. */
export type Build = (dir: string, progress: Progress) => Promise<void>;

/** FARRIER_CACHE, else ~/.cache/farrier. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env["FARRIER_CACHE"];
  return chosen === undefined || chosen === "" ? join(homedir(), ".cache", "farrier") : chosen;
}

/**
 * Returns the folder for `name` and `key`, made by `build` if there is none.
 * @param name lower-case letters, digits, dots and hyphens; a build may not ask for its own name
 * @param key any JSON value: everything that shapes the result; the order of fields is no matter
 */
export async function cached(
  name: string,
  key: unknown,
  build: Build,
  progress: Progress = silentProgress,
): Promise<Cached> {
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(name)) {
    throw new Error(`Cache name ${JSON.stringify(name)} may hold only a-z, 0-9, "." and "-"`);
  }
  const startedAt = performance.now();
  const shelf = join(cacheDirectory(), name);
  const dir = join(shelf, keyDigest(key));
  const found = (fromCache: boolean): Cached => ({
    dir,
    fromCache,
    ms: Math.round(performance.now() - startedAt),
  });
  if (existsSync(dir)) return found(true);

  let waiting: ProgressStep | undefined;
  return withFileLock(
    join(shelf, "lock"),
    () => {
      waiting = progress.step(`wait for another run that makes ${name}`);
      waiting.note("it is at it now");
    },
    async () => {
      waiting?.done();
      if (existsSync(dir)) return found(true);
      await removeLeftovers(shelf);
      await buildInto(dir, build, progress);
      return found(false);
    },
  );
}

/** The folder for `name` and `key` if it was made before. */
export function findCached(name: string, key: unknown): string | undefined {
  const dir = join(cacheDirectory(), name, keyDigest(key));
  return existsSync(dir) ? dir : undefined;
}

async function buildInto(dir: string, build: Build, progress: Progress): Promise<void> {
  const unfinished = `${dir}${unfinishedMark}${randomUUID()}`;
  await mkdir(unfinished);
  try {
    await build(unfinished, progress);
    // Without this a power cut could keep the new name and lose what the files hold.
    await runProgram("sync", ["--file-system", unfinished]);
    await rename(unfinished, dir);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    throw cause;
  }
}

const unfinishedMark = ".unfinished-";

// The lock is held, so whoever made these is dead.
async function removeLeftovers(shelf: string): Promise<void> {
  for (const entry of await readdir(shelf)) {
    if (!entry.includes(unfinishedMark)) continue;
    await rm(join(shelf, entry), { recursive: true, force: true });
  }
}

function keyDigest(key: unknown): string {
  return createHash("sha256").update(canonicalJson(key)).digest("hex").slice(0, 24);
}

/** JSON with sorted field names, so that equal keys are equal texts. */
export function canonicalJson(value: unknown): string {
  const text = JSON.stringify(value, (_name, part: unknown) =>
    isPlainObject(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
  if (text === undefined) throw new Error("A cache key must be a JSON value, not undefined");
  return text;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

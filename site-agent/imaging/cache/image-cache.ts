// Finished extent streams on disk, by content, with an index that says which image each is. A crash at any
// moment leaves whole streams that the index names, and leftovers that the next start removes.
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { ImageErrorKind } from "../port.ts";
import { diskMessage } from "../source/spool.ts";
import { contentPath, makeIndexWriter, readIndex } from "./cache-index.ts";
import type { CacheEntry, CacheTools } from "./cache-index.ts";

export interface ImageCache {
  find(key: string): CacheEntry | undefined;
  /** The newest stream for what was asked when its checksum file cannot be read just now. */
  findAsked(askedKey: string): CacheEntry | undefined;
  /** Notes that somebody uses it: what was used last is removed last. */
  touch(entry: CacheEntry): Promise<void>;
  /** Takes over a finished file, which must be synced. */
  add(workPath: string, entry: CacheEntry): Promise<Result<void, ImageErrorKind>>;
  /** For a stream that turned out to be damaged. */
  drop(contentDigest: string): Promise<void>;
  /** Removes streams, oldest use first, until so many bytes are free on the disk. */
  makeRoom(bytes: number): Promise<Result<void, ImageErrorKind>>;
  streamPath(contentDigest: string): string;
  /** A fresh name for a file under way. */
  workPath(suffix: string): string;
}

export async function openImageCache(
  tools: CacheTools,
): Promise<Result<ImageCache, ImageErrorKind>> {
  const { files, directory } = tools;
  for (const folder of ["content", "work"]) {
    const made = await files.makeFolder(`${directory}/${folder}`);
    if (!made.ok) return err("no-space", diskMessage(made.error));
  }
  const entries = await readIndex(tools);
  await removeLeftovers(tools, entries);
  return ok(cacheOn(tools, entries));
}

function cacheOn(tools: CacheTools, initial: readonly CacheEntry[]): ImageCache {
  const { files, clock, directory, limitBytes } = tools;
  let entries = initial;
  let workFiles = 0;
  const writeIndex = makeIndexWriter(tools);

  // The index first: what it names must be there, what it does not name may be.
  async function remove(contentDigest: string): Promise<void> {
    entries = entries.filter((entry) => entry.contentDigest !== contentDigest);
    await writeIndex(entries);
    await files.remove(contentPath(directory, contentDigest));
  }

  async function removeOldest(): Promise<boolean> {
    const [oldest] = entries.toSorted((a, b) => a.lastUsedMs - b.lastUsedMs);
    if (oldest === undefined) return false;
    await remove(oldest.contentDigest);
    return true;
  }

  return {
    find: (key) => entries.find((entry) => entry.key === key),
    findAsked: (askedKey) => entries.findLast((entry) => entry.askedKey === askedKey),
    async touch(entry) {
      const lastUsedMs = clock.nowMs();
      entries = entries.map((one) => (one.key === entry.key ? { ...one, lastUsedMs } : one));
      await writeIndex(entries);
    },
    async add(workPath, entry) {
      const path = contentPath(directory, entry.contentDigest);
      const moved = await files.rename(workPath, path);
      if (!moved.ok) return err("no-space", diskMessage(moved.error));
      entries = [...entries.filter(({ key }) => key !== entry.key), entry];
      const written = await writeIndex(entries);
      while (written.ok && totalBytes(entries) > limitBytes) await removeOldest();
      return written;
    },
    drop: remove,
    async makeRoom(bytes) {
      for (;;) {
        const free = await files.freeBytes(directory);
        if (!free.ok) return err("no-space", diskMessage(free.error));
        if (free.value >= bytes) return ok(undefined);
        if (!(await removeOldest())) return noRoom(bytes, free.value);
      }
    },
    streamPath: (contentDigest) => contentPath(directory, contentDigest),
    workPath(suffix) {
      workFiles += 1;
      return `${directory}/work/${workFiles}.${suffix}`;
    },
  };
}

function noRoom(bytes: number, freeBytes: number): Result<never, "no-space"> {
  const what = `${bytes} bytes are needed and ${freeBytes} are free`;
  return err("no-space", `The disk of the agent's image cache is full: ${what}; free space there`);
}

/** Two images may have one content, and then one stream. */
function totalBytes(entries: readonly CacheEntry[]): number {
  const sizes = new Map(entries.map((entry) => [entry.contentDigest, entry.fileBytes]));
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
}

async function removeLeftovers(
  { files, directory }: CacheTools,
  entries: readonly CacheEntry[],
): Promise<void> {
  const known = new Set(entries.map((entry) => contentPath(directory, entry.contentDigest)));
  for (const folder of ["content", "work"]) {
    const names = await files.list(`${directory}/${folder}`);
    for (const name of names.ok ? names.value : []) {
      const path = `${directory}/${folder}/${name}`;
      if (!known.has(path)) await files.remove(path);
    }
  }
}

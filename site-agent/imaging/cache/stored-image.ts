// An image that is in the cache already, as a host gets it. A stream that has rotted on disk is noticed on its
// first reading after a start, ends without its end frame, and is thrown away.
import { toHex } from "../../../shared/bytes.ts";
import { ok } from "../../../shared/result.ts";
import type { Crypto, Files, Log, OpenFile } from "../../ports.ts";
import type { OpenImage } from "../port.ts";
import type { CacheEntry } from "./cache-index.ts";
import type { ImageCache } from "./image-cache.ts";

export interface StoredTools {
  readonly files: Files;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly cache: ImageCache;
  /** Content digests of streams that were read in full and found right. */
  readonly checked: Set<string>;
}

const readBytes = 1024 * 1024;

/** Undefined when the stream is not there any more. */
export async function openStored(
  tools: StoredTools,
  entry: CacheEntry,
): Promise<OpenImage | undefined> {
  const { contentDigest, virtualBytes, dataBytes } = entry;
  const file = await tools.files.open(tools.cache.streamPath(contentDigest), "read");
  if (!file.ok) {
    await tools.cache.drop(contentDigest);
    return undefined;
  }
  await tools.cache.touch(entry);
  let released = false;
  return {
    virtualBytes,
    dataBytes,
    frames: () => readStored(tools, entry, file.value),
    verified: Promise.resolve(ok({ contentDigest })),
    release() {
      if (released) return;
      released = true;
      void file.value.close();
    },
  };
}

async function* readStored(
  tools: StoredTools,
  entry: CacheEntry,
  file: OpenFile,
): AsyncGenerator<Uint8Array, void> {
  const hash = tools.checked.has(entry.contentDigest) ? undefined : tools.crypto.hash("sha256");
  for (let at = 0; at < entry.fileBytes;) {
    const chunk = await file.read(at, Math.min(readBytes, entry.fileBytes - at));
    if (!chunk.ok || chunk.value.length === 0) return;
    hash?.update(chunk.value);
    at += chunk.value.length;
    // The last chunk has the end frame, without which nobody's disk becomes bootable.
    if (
      at === entry.fileBytes &&
      hash !== undefined &&
      !(await isRight(tools, entry, hash.digest()))
    ) {
      return;
    }
    yield chunk.value;
  }
}

async function isRight(
  { cache, checked, log }: StoredTools,
  entry: CacheEntry,
  digest: Uint8Array,
): Promise<boolean> {
  const { contentDigest, fileDigest } = entry;
  if (toHex(digest) === fileDigest) {
    checked.add(contentDigest);
    return true;
  }
  log.error("cached image was damaged on disk and is removed; it will be fetched again", {
    contentDigest,
  });
  await cache.drop(contentDigest);
  return false;
}

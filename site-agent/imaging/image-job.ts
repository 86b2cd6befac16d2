// One run from an image's address to a finished extent stream: download, checksum, decoding and encoding at
// the same time. Head and tail of the disk go out last, when all of it has proved right. Who wants the image
// is none of its business (images.ts).
import { toHex } from "../../shared/bytes.ts";
import { diskParts, encodeFrame, makeContentDigest } from "../../shared/protocol/extent-stream.ts";
import type { Progress } from "../../shared/protocol/ramdisk.ts";
import { err, ok } from "../../shared/result.ts";
import type { Failure, Result } from "../../shared/result.ts";
import type { CacheEntry } from "./cache/cache-index.ts";
import type { ImageCache } from "./cache/image-cache.ts";
import { makeStreamFile } from "./cache/stream-file.ts";
import type { StreamFile } from "./cache/stream-file.ts";
import type { DiskReader } from "./decode/disk-reader.ts";
import { encodeExtents } from "./decode/encode-extents.ts";
import type { ImageFormat } from "./decode/image-format.ts";
import { openDisk } from "./decode/open-disk.ts";
import type { ImagingTools } from "./imaging-tools.ts";
import type { ImageErrorKind } from "./port.ts";
import { showUrl } from "./source/address-policy.ts";
import type { Checksum } from "./source/checksum.ts";
import { download } from "./source/download.ts";
import type { SourceFile } from "./source/download.ts";
import { makeRanges } from "./source/ranges.ts";
import type { Ranges } from "./source/ranges.ts";
import { makeSpool } from "./source/spool.ts";
import type { Spool } from "./source/spool.ts";

export interface JobRequest {
  readonly url: string;
  readonly checksum: Checksum;
  readonly said: ImageFormat | undefined;
  readonly key: string;
  readonly askedKey: string;
}

export interface OpenedDisk {
  readonly virtualBytes: number;
  readonly format: ImageFormat;
}

export interface ImageJob {
  /** As soon as the disk's size is known. */
  readonly opened: Promise<Result<OpenedDisk, ImageErrorKind>>;
  /** When the stream is complete and stored, or has failed. */
  readonly done: Promise<Result<CacheEntry, ImageErrorKind>>;
  frames(): AsyncIterable<Uint8Array>;
  stop(): void;
  /** After `done`, when nobody reads frames any more. */
  close(): Promise<void>;
}

type Report = (progress: Progress) => void;
type JobResult<T> = Promise<Result<T, ImageErrorKind>>;

export async function startImageJob(
  tools: ImagingTools,
  cache: ImageCache,
  request: JobRequest,
  report: Report,
): JobResult<ImageJob> {
  const spool = await makeSpool(tools.files, cache.workPath("source"));
  if (!spool.ok) return spool;
  const workPath = cache.workPath("extents");
  const stream = await makeStreamFile(tools, workPath, tools.crypto.hash("sha256"));
  if (!stream.ok) {
    await spool.value.remove();
    return stream;
  }
  const opened = Promise.withResolvers<Result<OpenedDisk, ImageErrorKind>>();
  const stop = new AbortController();
  const parts = { ...request, tools, cache, report, stop, opened, workPath };
  const done = runJob({ ...parts, spool: spool.value, stream: stream.value });
  return ok({
    opened: opened.promise,
    done,
    frames: () => stream.value.follow(),
    stop: () => stop.abort(),
    close: () => stream.value.close(),
  });
}

interface Job extends JobRequest {
  readonly tools: ImagingTools;
  readonly cache: ImageCache;
  readonly report: Report;
  readonly stop: AbortController;
  readonly opened: PromiseWithResolvers<Result<OpenedDisk, ImageErrorKind>>;
  readonly spool: Spool;
  readonly stream: StreamFile;
  readonly workPath: string;
}

async function runJob(job: Job): JobResult<CacheEntry> {
  const startMs = job.tools.clock.monotonicMs();
  const started = Promise.withResolvers<SourceFile>();
  let first: Failure<ImageErrorKind> | undefined;
  // Whichever side fails first ends the other one, and is the reason.
  const orStop = async <T>(work: JobResult<T>): JobResult<T> => {
    const result = await work;
    if (result.ok) return result;
    first ??= result.error;
    job.opened.resolve(result);
    job.spool.fail(first);
    job.stop.abort();
    return result;
  };
  job.stop.signal.addEventListener("abort", () => {
    job.spool.fail({ kind: "aborted", message: "The image is no longer wanted" });
  });
  const fetching = orStop(fetchSource(job, (file) => started.resolve(file)));
  const encoding = orStop(encode(job, started.promise, fetching));
  const fetched = await fetching;
  const encoded = await encoding;
  const result: Result<CacheEntry, ImageErrorKind> =
    fetched.ok && encoded.ok
      ? await complete(job, encoded.value)
      : { ok: false, error: first ?? { kind: "aborted", message: "The image was given up" } };
  if (!result.ok) {
    job.stream.fail(result.error);
    await job.tools.files.remove(job.workPath);
  }
  await job.spool.remove();
  logEnd(job, result, startMs);
  return result;
}

function logEnd(job: Job, result: Result<CacheEntry, ImageErrorKind>, startMs: number): void {
  const { log, clock } = job.tools;
  const fields = {
    url: showUrl(new URL(job.url)),
    durationMs: Math.round(clock.monotonicMs() - startMs),
  };
  if (!result.ok) return log.warn("image failed", { ...fields, ...result.error });
  const { format, contentDigest, virtualBytes, dataBytes, fileBytes } = result.value;
  log.info("image ready", {
    ...fields,
    format,
    contentDigest,
    virtualBytes,
    dataBytes,
    streamBytes: fileBytes,
  });
}

async function fetchSource(job: Job, onStart: (file: SourceFile) => void): JobResult<void> {
  const { tools, checksum, spool } = job;
  const hash = tools.crypto.hash(checksum.algorithm);
  const meter = makeMeter(job);
  const got = await download({
    tools,
    address: job.url,
    spool,
    hash,
    maxBytes: tools.cacheBytes,
    signal: job.stop.signal,
    async onStart(file) {
      meter.begin(file.totalBytes);
      const room = await job.cache.makeRoom(file.totalBytes ?? 0);
      if (room.ok) onStart(file);
      return room;
    },
    onBytes: (doneBytes) => meter.note(doneBytes),
  });
  if (!got.ok) return got;
  const finished = await spool.finish();
  if (!finished.ok) return finished;
  const digest = toHex(hash.digest());
  if (digest === checksum.digest) return ok(undefined);
  // When it is no image at all, that is the better word.
  await job.opened.promise;
  return err(
    "checksum",
    `The image's ${checksum.algorithm} is ${digest} and ${checksum.digest} was promised; ` +
      "correct spec.image.checksum or the image",
  );
}

/** Reports at most once a second: bytes, and their mean speed since the beginning. */
function makeMeter({ tools, report }: Job) {
  const { clock } = tools;
  let startMs = clock.monotonicMs();
  let lastMs = startMs;
  let totalBytes: number | undefined;
  return {
    begin(total: number | undefined): void {
      startMs = clock.monotonicMs();
      lastMs = startMs;
      totalBytes = total;
    },
    note(doneBytes: number): void {
      const nowMs = clock.monotonicMs();
      if (nowMs - lastMs < 1_000 && doneBytes !== totalBytes) return;
      lastMs = nowMs;
      const seconds = Math.max(0.001, (nowMs - startMs) / 1_000);
      report({
        step: "Fetching",
        doneBytes,
        ...(totalBytes === undefined ? {} : { totalBytes }),
        bytesPerSecond: Math.round(doneBytes / seconds),
      });
    },
  };
}

interface Encoded {
  readonly disk: OpenedDisk;
  readonly contentDigest: string;
  readonly dataBytes: number;
  /** Frames of head and tail. */
  readonly withheld: readonly Uint8Array[];
  readonly ranges: Ranges;
}

async function encode(
  job: Job,
  started: Promise<SourceFile>,
  fetching: JobResult<void>,
): JobResult<Encoded> {
  const file = await Promise.race([started, fetching]);
  if ("ok" in file) {
    return file.ok ? err("unreachable", "The server sent no image") : file;
  }
  const { tools, spool, stop } = job;
  const ranges = makeRanges(tools, file, spool, stop.signal);
  const opened = await openDisk(tools, { file, spool, ranges, said: job.said });
  if (!opened.ok) return opened;
  const { format, disk } = opened.value;
  const head = await job.stream.append(
    encodeFrame({ type: "header", virtualBytes: disk.virtualBytes }),
  );
  if (!head.ok) return head;
  job.opened.resolve(ok({ virtualBytes: disk.virtualBytes, format }));
  const stored = await storeExtents(job, disk);
  if (!stored.ok) return stored;
  return ok({ ...stored.value, disk: { virtualBytes: disk.virtualBytes, format }, ranges });
}

async function storeExtents(
  job: Job,
  disk: DiskReader,
): JobResult<Pick<Encoded, "contentDigest" | "dataBytes" | "withheld">> {
  const { bodyStart, tailStart } = diskParts(disk.virtualBytes);
  const digest = makeContentDigest(disk.virtualBytes);
  const withheld: Uint8Array[] = [];
  let dataBytes = 0;
  for await (const extent of encodeExtents(disk, job.tools)) {
    if (!extent.ok) return extent;
    const { type, offset, length } = extent.value;
    digest.add(extent.value);
    if (type === "data") dataBytes += length;
    const frame = encodeFrame(extent.value);
    const isBody = offset >= bodyStart && offset < tailStart;
    const stored = isBody ? await job.stream.append(frame) : ok(withheld.push(frame));
    if (!stored.ok) return stored;
  }
  return ok({ contentDigest: digest.finish(), dataBytes, withheld });
}

/** All is there and right: lets head and tail go, and hands the stream to the cache. */
async function complete(job: Job, encoded: Encoded): JobResult<CacheEntry> {
  const { contentDigest, dataBytes, disk } = encoded;
  const same = await encoded.ranges.compare();
  if (!same.ok) return same;
  const frames = [
    encodeFrame({ type: "verified", contentDigest }),
    ...encoded.withheld,
    encodeFrame({ type: "end" }),
  ];
  for (const frame of frames) {
    const stored = await job.stream.append(frame);
    if (!stored.ok) return stored;
  }
  const finished = await job.stream.finish();
  if (!finished.ok) return finished;
  const entry: CacheEntry = {
    key: job.key,
    askedKey: job.askedKey,
    checksum: job.checksum,
    format: disk.format,
    contentDigest,
    virtualBytes: disk.virtualBytes,
    dataBytes,
    fileBytes: finished.value.fileBytes,
    fileDigest: toHex(finished.value.fileDigest),
    lastUsedMs: job.tools.clock.nowMs(),
  };
  const added = await job.cache.add(job.workPath, entry);
  // Whoever reads it now has all of it; only the next one will have to fetch it again.
  if (!added.ok) job.tools.log.warn("image could not be kept", { why: added.error.message });
  return ok(entry);
}

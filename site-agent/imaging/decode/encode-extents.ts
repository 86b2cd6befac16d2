// Turns a disk into extents, cut by content alone (shared/protocol/extent-stream.ts, makeContentDigest), and
// packs them on several threads at once, in order. Memory: a handful of MiB, whatever the disk's size.
import {
  diskParts,
  granuleBytes,
  type DataExtent,
  type Extent,
} from "../../../shared/protocol/extent-stream.ts";
import { ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { Compression, Crypto } from "../../ports.ts";
import { isZero } from "../is-zero.ts";
import type { ImageErrorKind } from "../port.ts";
import type { DiskReader } from "./disk-reader.ts";

export interface EncodeTools {
  readonly compression: Compression;
  readonly crypto: Crypto;
}

/** Extents that are packed at the same time, and so the number of MiB in memory. */
const depth = 4;
/** zstd: faster than a 10 Gb/s network on a few cores. */
const level = 1;

interface Run {
  readonly offset: number;
  length: number;
  /** Absent: zero. */
  readonly bytes?: Uint8Array;
}

/** In the disk's order. An error is the last item. */
export async function* encodeExtents(
  disk: DiskReader,
  tools: EncodeTools,
): AsyncGenerator<Result<Extent, ImageErrorKind>, void> {
  const queue: Promise<Extent>[] = [];
  for await (const run of mergeZeros(disk)) {
    if (!run.ok) return yield run;
    const extent = pack(run.value, tools);
    // Whoever stops reading in the middle must not leave a rejection behind that nobody sees.
    extent.catch(() => {});
    queue.push(extent);
    if (queue.length < depth) continue;
    const [first] = queue.splice(0, 1);
    if (first !== undefined) yield ok(await first);
  }
  for (const extent of queue) yield ok(await extent);
}

async function pack(run: Run, { compression, crypto }: EncodeTools): Promise<Extent> {
  const { offset, length, bytes } = run;
  if (bytes === undefined) return { type: "zero", offset, length };
  const hash = crypto.hash("sha256");
  hash.update(bytes);
  const packed = await compression.zstdCompress(bytes, level);
  return { type: "data", offset, length, digest: hash.digest(), packed } satisfies DataExtent;
}

/** Runs of the disk; a run of zeros is as long as it can be within its part of the disk. */
async function* mergeZeros(disk: DiskReader): AsyncGenerator<Result<Run, ImageErrorKind>, void> {
  const { bodyStart, tailStart } = diskParts(disk.virtualBytes);
  let zeros: Run | undefined;
  for await (const run of readRuns(disk, [bodyStart, tailStart])) {
    if (!run.ok) return yield run;
    const { offset, length, bytes } = run.value;
    const joins = bytes === undefined && offset !== bodyStart && offset !== tailStart;
    if (zeros !== undefined && joins) {
      zeros.length += length;
      continue;
    }
    if (zeros !== undefined) yield ok(zeros);
    zeros = bytes === undefined ? run.value : undefined;
    if (zeros === undefined) yield run;
  }
  if (zeros !== undefined) yield ok(zeros);
}

async function* readRuns(
  disk: DiskReader,
  borders: readonly number[],
): AsyncGenerator<Result<Run, ImageErrorKind>, void> {
  for (let offset = 0; offset < disk.virtualBytes;) {
    const block = await disk.read(offset);
    if (!block.ok) return yield block;
    if (block.value.kind === "data") {
      for (const run of cutBlock(offset, block.value.bytes, borders)) yield ok(run);
      offset += block.value.bytes.length;
    } else {
      const end = offset + block.value.length;
      const inside = borders.filter((border) => border > offset && border < end);
      const cuts = [offset, ...inside, end];
      for (const [index, start] of cuts.slice(0, -1).entries()) {
        yield ok({ offset: start, length: (cuts[index + 1] ?? end) - start });
      }
      offset = end;
    }
  }
}

/** The block's granules, neighbours of the same kind joined, never across a border. */
function cutBlock(offset: number, block: Uint8Array, borders: readonly number[]): Run[] {
  const runs: { start: number; end: number; zero: boolean }[] = [];
  for (let start = 0; start < block.length; start += granuleBytes) {
    const end = Math.min(start + granuleBytes, block.length);
    const zero = isZero(block.subarray(start, end));
    const last = runs.at(-1);
    if (last?.zero === zero && !borders.includes(offset + start)) last.end = end;
    else runs.push({ start, end, zero });
  }
  return runs.map(({ start, end, zero }) => ({
    offset: offset + start,
    length: end - start,
    ...(zero ? {} : { bytes: block.subarray(start, end) }),
  }));
}

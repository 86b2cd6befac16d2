// An extent stream made from a disk's bytes in memory, by the rules of the format: an independent, plain
// sender for tests of receivers.
import { createHash } from "node:crypto";
import {
  diskParts,
  encodeFrame,
  granuleBytes,
  makeContentDigest,
  maxExtentBytes,
} from "../../shared/protocol/extent-stream.ts";
import type { Extent, Frame } from "../../shared/protocol/extent-stream.ts";
import { syncCompression } from "./sync-compression.ts";

export interface ExtentSource {
  readonly frames: readonly Frame[];
  readonly contentDigest: string;
  /** The stream's bytes, a chunk for each frame. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** `disk` has a length that is a multiple of 512. */
export async function makeExtentSource(disk: Uint8Array): Promise<ExtentSource> {
  const { bodyStart, tailStart } = diskParts(disk.length);
  const body = await extentsOf(disk, bodyStart, tailStart);
  const head = await extentsOf(disk, 0, bodyStart);
  const tail = await extentsOf(disk, tailStart, disk.length);
  const digest = makeContentDigest(disk.length);
  for (const extent of [...head, ...body, ...tail]) digest.add(extent);
  const contentDigest = digest.finish();
  const frames: Frame[] = [
    { type: "header", virtualBytes: disk.length },
    { type: "waiting" },
    ...body,
    { type: "verified", contentDigest },
    ...head,
    ...tail,
    { type: "end" },
  ];
  return {
    frames,
    contentDigest,
    async *chunks() {
      for (const frame of frames) yield encodeFrame(frame);
    },
  };
}

async function extentsOf(disk: Uint8Array, from: number, to: number): Promise<Extent[]> {
  const extents: Extent[] = [];
  for (let at = from; at < to;) {
    const isZero = isZeroGranule(disk, at, to);
    let end = Math.min(at + granuleBytes, to);
    while (
      end < to &&
      isZeroGranule(disk, end, to) === isZero &&
      (isZero || end % maxExtentBytes !== 0)
    ) {
      end = Math.min(end + granuleBytes, to);
    }
    const length = end - at;
    if (isZero) {
      extents.push({ type: "zero", offset: at, length });
    } else {
      const plain = disk.subarray(at, end);
      const digest = new Uint8Array(createHash("sha256").update(plain).digest());
      const packed = await syncCompression.zstdCompress(plain, 3);
      extents.push({ type: "data", offset: at, length, digest, packed });
    }
    at = end;
  }
  return extents;
}

const zeros = new Uint8Array(granuleBytes);

function isZeroGranule(disk: Uint8Array, at: number, end: number): boolean {
  const granule = disk.subarray(at, Math.min(at + granuleBytes, end));
  return Buffer.compare(granule, zeros.subarray(0, granule.length)) === 0;
}

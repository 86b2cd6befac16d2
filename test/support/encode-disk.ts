// Reads a disk to its end, as places of extents: what tests of decoders look at.
import { ok } from "../../shared/result.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import type { DiskReader, ImageFile } from "../../site-agent/imaging/decode/disk-reader.ts";
import { encodeExtents } from "../../site-agent/imaging/decode/encode-extents.ts";
import { syncCompression } from "./sync-compression.ts";

const tools = { compression: syncCompression, crypto: makeNodeCrypto() };

/** An image file in memory, which counts what is read of it. */
export function fileOf(bytes: Uint8Array): ImageFile & { bytesRead: () => number } {
  let bytesRead = 0;
  const read = async (offset: number, length: number) => {
    const part = bytes.slice(offset, offset + length);
    bytesRead += part.length;
    return ok(part);
  };
  return { read, readAhead: read, totalBytes: bytes.length, bytesRead: () => bytesRead };
}

/** Extents without their bytes, or the error that ended them. */
export async function encodeDisk(disk: DiskReader, limit = 100_000): Promise<string[]> {
  const places: string[] = [];
  for await (const extent of encodeExtents(disk, tools)) {
    if (!extent.ok) return [...places, `${extent.error.kind}: ${extent.error.message}`];
    places.push(`${extent.value.type} ${extent.value.offset} ${extent.value.length}`);
    if (places.length > limit) throw new Error("no end");
  }
  return places;
}

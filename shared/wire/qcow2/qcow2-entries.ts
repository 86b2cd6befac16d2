// Entries of qcow2's two-level cluster map (QEMU docs/interop/qcow2.rst, "Cluster mapping").
import { err, ok } from "../../result.ts";
import type { Result } from "../../result.ts";
import type { Qcow2Header } from "./qcow2-header.ts";

export type Cluster =
  | { readonly kind: "zero" }
  | { readonly kind: "plain"; readonly offset: number }
  /** `length` is rounded up to a sector: what follows the compressed data is not part of it. */
  | { readonly kind: "packed"; readonly offset: number; readonly length: number };

// Bits 9 to 55.
const offsetMask = 0x00ff_ffff_ffff_fe00n;
const copiedBit = 1n << 63n;
const packedBit = 1n << 62n;

/** Entries of one L2 table; together they map so many bytes of the disk. */
export function l2Coverage(header: Qcow2Header): { entries: number; bytes: number } {
  const entries = header.clusterBytes / 8;
  return { entries, bytes: entries * header.clusterBytes };
}

/** Offset of the L2 table; 0 when there is none and all that it would map is zero. */
export function readL1Entry(entry: bigint, header: Qcow2Header): Result<number, "format"> {
  if ((entry & ~(offsetMask | copiedBit)) !== 0n) return bad("an L1 entry has reserved bits");
  return checkedOffset(entry, header);
}

export function readL2Entry(entry: bigint, header: Qcow2Header): Result<Cluster, "format"> {
  if ((entry & packedBit) !== 0n) return ok(readPacked(entry, header));
  const zeroBit = header.version === 3 ? 1n : 0n;
  if ((entry & ~(offsetMask | copiedBit | zeroBit)) !== 0n) {
    return bad("an L2 entry has reserved bits");
  }
  const offset = checkedOffset(entry, header);
  if (!offset.ok) return offset;
  // A zero cluster may keep its place in the file; what is there does not count.
  if ((entry & zeroBit) !== 0n || offset.value === 0) return ok({ kind: "zero" });
  return ok({ kind: "plain", offset: offset.value });
}

function checkedOffset(entry: bigint, header: Qcow2Header): Result<number, "format"> {
  const offset = entry & offsetMask;
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) return bad("an offset is beyond any file");
  if (offset % BigInt(header.clusterBytes) !== 0n) return bad("an offset is inside of a cluster");
  return ok(Number(offset));
}

function readPacked(entry: bigint, header: Qcow2Header): Cluster {
  const offsetBits = BigInt(62 - (header.clusterBits - 8));
  const offset = Number(entry & ((1n << offsetBits) - 1n));
  const moreSectors = Number((entry & (packedBit - 1n)) >> offsetBits);
  return { kind: "packed", offset, length: (moreSectors + 1) * 512 - (offset % 512) };
}

function bad(what: string): Result<never, "format"> {
  return err("format", `The qcow2 image is damaged: ${what}; make it anew with qemu-img convert`);
}

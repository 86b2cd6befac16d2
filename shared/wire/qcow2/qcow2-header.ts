// The header of a qcow2 image (QEMU docs/interop/qcow2.rst, "Header"), read only as far as a safe reader
// needs: an image that refers to other files, or has features that we do not know, is refused by name.
import { err, ok } from "../../result.ts";
import type { Result } from "../../result.ts";

export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly clusterBytes: number;
  readonly clusterBits: number;
  /** Size of the disk, rounded up to whole sectors of 512 bytes. */
  readonly virtualBytes: number;
  readonly l1Offset: number;
  /** Entries of the L1 table that belong to the disk. */
  readonly l1Entries: number;
  readonly compression: "zlib" | "zstd";
}

/** So many bytes from the start are enough for the fields that are read here. */
const qcow2HeaderBytes = 112;
/** QEMU's own bound for the L1 table. */
const maxL1Bytes = 32 * 1024 * 1024;
/** Bit → name, of the features without which an image cannot be read. */
const incompatible: ReadonlyMap<number, string> = new Map([
  [1, "it is marked as corrupt"],
  [2, "its data are in an external file"],
  [4, "it has extended L2 entries"],
]);
/** Dirty (0) concerns refcounts only, which a reader does not need; compression type (3) is read below. */
const harmlessBits = [0, 3];

export function isQcow2(start: Uint8Array): boolean {
  return start[0] === 0x51 && start[1] === 0x46 && start[2] === 0x49 && start[3] === 0xfb;
}

/** `start`: the file's first bytes, `qcow2HeaderBytes` or all there are. */
export function readQcow2Header(
  start: Uint8Array,
  maxVirtualBytes: number,
): Result<Qcow2Header, "format"> {
  if (!isQcow2(start) || start.length < 72) return bad("it has no whole header");
  const bytes = new Uint8Array(qcow2HeaderBytes);
  bytes.set(start.subarray(0, qcow2HeaderBytes));
  const view = new DataView(bytes.buffer);
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3) return bad(`version ${version} is not supported`);
  if (version === 3 && start.length < 104) return bad("it has no whole header");
  const refused = findUnsafe(view, version);
  if (refused !== undefined) return bad(refused);
  const compression = readCompression(view, version);
  if (compression === undefined) return bad("its compression type is not supported");
  const place = readPlace(view, maxVirtualBytes);
  if (!place.ok) return place;
  return ok({ version, compression, ...place.value });
}

function findUnsafe(view: DataView, version: 2 | 3): string | undefined {
  if (view.getBigUint64(8) !== 0n || view.getUint32(16) !== 0) return "it has a backing file";
  if (view.getUint32(32) !== 0) return "it is encrypted";
  if (version === 2) return undefined;
  const features = view.getBigUint64(72);
  for (let bit = 0; bit < 64; bit += 1) {
    if (((features >> BigInt(bit)) & 1n) === 0n || harmlessBits.includes(bit)) continue;
    return incompatible.get(bit) ?? `it needs the unknown feature ${bit}`;
  }
  return undefined;
}

function readCompression(view: DataView, version: 2 | 3): "zlib" | "zstd" | undefined {
  const flagged = version === 3 && ((view.getBigUint64(72) >> 3n) & 1n) === 1n;
  if (!flagged) return "zlib";
  // The flag stands for "other than zlib" only.
  return view.getUint32(100) > 104 && view.getUint8(104) === 1 ? "zstd" : undefined;
}

type Place = Omit<Qcow2Header, "version" | "compression">;

function readPlace(view: DataView, maxVirtualBytes: number): Result<Place, "format"> {
  const clusterBits = view.getUint32(20);
  if (clusterBits < 9 || clusterBits > 21) return bad(`clusters of 2^${clusterBits} bytes`);
  const clusterBytes = 2 ** clusterBits;
  const size = view.getBigUint64(24);
  if (size === 0n) return bad("its disk has no bytes");
  if (size > BigInt(maxVirtualBytes)) {
    return bad(`its disk has ${size} bytes, more than the ${maxVirtualBytes} that are allowed`);
  }
  const virtualBytes = Math.ceil(Number(size) / 512) * 512;
  const l1Entries = Math.ceil(virtualBytes / (clusterBytes * (clusterBytes / 8)));
  const l1Offset = view.getBigUint64(40);
  if (l1Entries > view.getUint32(36) || l1Entries * 8 > maxL1Bytes) {
    return bad(`an L1 table of ${view.getUint32(36)} entries does not fit its disk`);
  }
  if (l1Offset === 0n || l1Offset % BigInt(clusterBytes) !== 0n || l1Offset > maxOffset) {
    return bad(`its L1 table cannot be at ${l1Offset}`);
  }
  return ok({ clusterBits, clusterBytes, virtualBytes, l1Entries, l1Offset: Number(l1Offset) });
}

const maxOffset = BigInt(Number.MAX_SAFE_INTEGER);

function bad(what: string): Result<never, "format"> {
  return err("format", `The qcow2 image is refused: ${what}; make it anew with qemu-img convert`);
}

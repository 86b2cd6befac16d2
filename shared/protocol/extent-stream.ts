// The extent stream: a disk's whole content as one sequence of frames, from the agent to the ramdisk.
// This file has the format, its encoder and the content digest; extent-stream-decoder.ts reads it.
// It neither compresses nor decides what is zero.
//
// Big-endian. One header, then frames:
//   header    "FARRIERX" · version u32 · virtualBytes u64 (a multiple of 512)
//   zero      "Z" · offset u64 · length u64                       these bytes of the disk are zero
//   data      "D" · offset u64 · length u32 · packedLength u32 · SHA-256 of the plain bytes · zstd frame
//   waiting   "W"                                                 nothing to send yet; the sender lives
//   verified  "V" · contentDigest, 32 bytes                       the source is complete and its checksum agrees
//   end       "E"
//   failure   "F" · kind length u8 · kind · message length u16 · message (UTF-8)
//
// Order: the body, then `verified`, then the head, then the tail, then `end`; each part ascending, without
// gap or overlap, so that every byte of the disk is named exactly once. Head: the first MiB. Tail: the last
// MiB, from a 64 KiB border. An extent never crosses from one part into another. A receiver keeps head and
// tail (a little over 2 MiB) in memory until `end` has been decoded, and only then writes them: a stream
// that failed can never leave a disk that boots. A stream without `end` was cut off.
import { sha256 } from "@noble/hashes/sha2.js";
import { fromHex, toHex } from "../bytes.ts";

export const extentStreamVersion = 1;
/** Upper bound of a data extent; zero extents have none. */
export const maxExtentBytes = 1024 * 1024;
/** zstd's own worst case for 1 MiB is 4 KiB more. */
export const maxPackedBytes = maxExtentBytes + 8192;
/** Extents begin at multiples of this, and end there or at the disk's end. */
export const granuleBytes = 64 * 1024;
/** At least so much of each end of the disk is withheld. */
const withheldBytes = 1024 * 1024;
export const maxFailureKindBytes = 32;
export const maxFailureMessageBytes = 2048;

export interface ZeroExtent {
  readonly type: "zero";
  readonly offset: number;
  readonly length: number;
}
export interface DataExtent {
  readonly type: "data";
  readonly offset: number;
  readonly length: number;
  /** SHA-256 of the plain bytes. */
  readonly digest: Uint8Array;
  /** The plain bytes as one zstd frame. */
  readonly packed: Uint8Array;
}
export type Extent = ZeroExtent | DataExtent;

export type Frame =
  | { readonly type: "header"; readonly virtualBytes: number }
  | Extent
  | { readonly type: "waiting" }
  | { readonly type: "verified"; readonly contentDigest: string }
  | { readonly type: "end" }
  | { readonly type: "failure"; readonly kind: string; readonly message: string };

export const magic: Uint8Array = new TextEncoder().encode("FARRIERX");
export const headerBytes = 20;
/** Type bytes and the length of the fixed part after them. */
export const frameTypes = {
  zero: { code: 0x5a, fixedBytes: 16 },
  data: { code: 0x44, fixedBytes: 48 },
  waiting: { code: 0x57, fixedBytes: 0 },
  verified: { code: 0x56, fixedBytes: 32 },
  end: { code: 0x45, fixedBytes: 0 },
  failure: { code: 0x46, fixedBytes: 1 },
} as const;

/** Where body and tail begin: [0, bodyStart) is the head, [tailStart, virtualBytes) the tail. */
export function diskParts(virtualBytes: number): { bodyStart: number; tailStart: number } {
  const bodyStart = Math.min(withheldBytes, virtualBytes);
  const last = Math.max(0, virtualBytes - withheldBytes);
  return { bodyStart, tailStart: Math.max(bodyStart, last - (last % granuleBytes)) };
}

/** One frame as bytes. Throws when the frame breaks the format's own bounds: that is the sender's bug. */
export function encodeFrame(frame: Frame): Uint8Array {
  switch (frame.type) {
    case "header":
      return encodeHeader(frame.virtualBytes);
    case "zero":
      return build(frameTypes.zero, 0, (view) => {
        view.setBigUint64(1, BigInt(frame.offset));
        view.setBigUint64(9, BigInt(frame.length));
      });
    case "data":
      return encodeData(frame);
    case "waiting":
      return build(frameTypes.waiting, 0, () => {});
    case "verified":
      return build(frameTypes.verified, 0, (_, bytes) =>
        bytes.set(digestBytes(frame.contentDigest), 1),
      );
    case "end":
      return build(frameTypes.end, 0, () => {});
    case "failure":
      return encodeFailure(frame.kind, frame.message);
  }
}

function encodeHeader(virtualBytes: number): Uint8Array {
  if (!Number.isSafeInteger(virtualBytes) || virtualBytes <= 0 || virtualBytes % 512 !== 0) {
    throw new RangeError(`virtualBytes ${virtualBytes} is not a positive multiple of 512`);
  }
  const bytes = new Uint8Array(headerBytes);
  bytes.set(magic);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, extentStreamVersion);
  view.setBigUint64(12, BigInt(virtualBytes));
  return bytes;
}

function encodeData(extent: DataExtent): Uint8Array {
  const { length, packed, digest } = extent;
  if (length <= 0 || length > maxExtentBytes || packed.length > maxPackedBytes) {
    throw new RangeError(`a data extent of ${length} bytes, ${packed.length} packed, is too long`);
  }
  return build(frameTypes.data, packed.length, (view, bytes) => {
    view.setBigUint64(1, BigInt(extent.offset));
    view.setUint32(9, length);
    view.setUint32(13, packed.length);
    bytes.set(digest, 17);
    bytes.set(packed, 49);
  });
}

// Cut between characters: a decoder that insists on UTF-8 would refuse half of one.
function encodeFailure(kind: string, message: string): Uint8Array {
  const kindBytes = cutText(kind, maxFailureKindBytes);
  const messageBytes = cutText(message, maxFailureMessageBytes);
  const more = kindBytes.length + 2 + messageBytes.length;
  return build(frameTypes.failure, more, (view, bytes) => {
    bytes[1] = kindBytes.length;
    bytes.set(kindBytes, 2);
    view.setUint16(2 + kindBytes.length, messageBytes.length);
    bytes.set(messageBytes, 4 + kindBytes.length);
  });
}

function cutText(text: string, maxBytes: number): Uint8Array {
  const encoder = new TextEncoder();
  let used = 0;
  let kept = "";
  for (const character of text) {
    used += encoder.encode(character).length;
    if (used > maxBytes) break;
    kept += character;
  }
  return encoder.encode(kept);
}

function build(
  type: { readonly code: number; readonly fixedBytes: number },
  moreBytes: number,
  fill: (view: DataView, bytes: Uint8Array) => void,
): Uint8Array {
  const bytes = new Uint8Array(1 + type.fixedBytes + moreBytes);
  bytes[0] = type.code;
  fill(new DataView(bytes.buffer), bytes);
  return bytes;
}

export interface ContentDigest {
  /** Extents of one part in ascending order; the parts in any order. */
  add(extent: { type: "zero" | "data"; offset: number; length: number; digest?: Uint8Array }): void;
  /** 64 hex digits. Call once. */
  finish(): string;
}

/**
 * The identity of a disk's content. Each of head, body and tail has a SHA-256 over its extents' records, in
 * ascending order of offset: offset u64 · length u64 · kind u8 (0 zero, 1 data) · 32 bytes (the digest; all
 * zero for a zero extent). The content digest is the SHA-256 of these three digests, head first: it follows
 * the disk's order, not that of the wire, and needs no memory.
 *
 * Senders cut extents by content alone (a zero extent is a longest run of zero granules, a data extent a
 * longest run of others that crosses no MiB border), so equal disks have equal digests whatever the format
 * of the image file was.
 */
export function makeContentDigest(virtualBytes: number): ContentDigest {
  const { bodyStart, tailStart } = diskParts(virtualBytes);
  const head = sha256.create();
  const body = sha256.create();
  const tail = sha256.create();
  const record = new Uint8Array(49);
  const view = new DataView(record.buffer);
  return {
    add(extent) {
      view.setBigUint64(0, BigInt(extent.offset));
      view.setBigUint64(8, BigInt(extent.length));
      record.fill(0, 16);
      if (extent.type === "data") {
        record[16] = 1;
        record.set(extent.digest ?? new Uint8Array(32), 17);
      }
      const part = extent.offset < bodyStart ? head : extent.offset < tailStart ? body : tail;
      part.update(record);
    },
    finish() {
      const whole = sha256.create();
      for (const part of [head, body, tail]) whole.update(part.digest());
      return toHex(whole.digest());
    },
  };
}

function digestBytes(contentDigest: string): Uint8Array {
  const bytes = fromHex(contentDigest);
  if (bytes?.length !== 32) throw new RangeError("contentDigest is not 64 hex digits");
  return bytes;
}

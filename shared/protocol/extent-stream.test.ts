import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { err, ok } from "../result.ts";
import { makeExtentStreamDecoder, unpackExtent } from "./extent-stream-decoder.ts";
import {
  diskParts,
  encodeFrame,
  granuleBytes,
  makeContentDigest,
  maxExtentBytes,
  maxPackedBytes,
} from "./extent-stream.ts";
import type { DataExtent, Extent, Frame } from "./extent-stream.ts";

const mib = 1024 * 1024;

function data(offset: number, length: number): DataExtent {
  const packed = new Uint8Array(40).fill(offset / granuleBytes + 1);
  return { type: "data", offset, length, digest: sha256(packed), packed };
}
function zero(offset: number, length: number): Extent {
  return { type: "zero", offset, length };
}

/** A whole stream of a disk of 4 MiB + 512 bytes: body [1 MiB, 3 MiB), head, tail. */
function goodStream(): Frame[] {
  const virtualBytes = 4 * mib + 512;
  const body = [data(mib, 64 * 1024), zero(mib + 65536, 2 * mib - 65536)];
  const ends = [data(0, mib), data(3 * mib, mib), zero(4 * mib, 512)];
  const digest = makeContentDigest(virtualBytes);
  for (const extent of [...body, ...ends]) digest.add(extent);
  return [
    { type: "header", virtualBytes },
    { type: "waiting" },
    ...body,
    { type: "verified", contentDigest: digest.finish() },
    ...ends,
    { type: "end" },
  ];
}

function bytesOf(frames: readonly Frame[]): Uint8Array {
  return Uint8Array.from(frames.flatMap((frame) => [...encodeFrame(frame)]));
}

function decode(bytes: Uint8Array, cuts: readonly number[] = []) {
  const decoder = makeExtentStreamDecoder();
  const frames: Frame[] = [];
  const borders = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  let from = 0;
  for (const to of borders) {
    const got = decoder.push(bytes.subarray(from, to));
    if (!got.ok) return { frames, error: got.error.kind };
    frames.push(...got.value);
    from = to;
  }
  const finished = decoder.finish();
  return { frames, error: finished.ok ? undefined : finished.error.kind };
}

describe("extent stream", () => {
  test("has the bytes that the format says when a zero extent and a header are encoded", () => {
    const header = encodeFrame({ type: "header", virtualBytes: 0x0102030405 * 512 });
    expect(Buffer.from(header).toString("hex")).toBe(
      "4641525249455258" + "00000001" + "0000020406080a00",
    );
    const frame = encodeFrame(zero(65536, 131072));
    expect(Buffer.from(frame).toString("hex")).toBe("5a" + "0000000000010000" + "0000000000020000");
    const failure = encodeFrame({ type: "failure", kind: "checksum", message: "né" });
    expect(Buffer.from(failure).toString("hex")).toBe("4608636865636b73756d0003" + "6ec3a9");
  });

  test("comes back frame by frame when it is cut at any places", () => {
    const frames = goodStream();
    const bytes = bytesOf(frames);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (cuts) => {
        expect(decode(bytes, cuts)).toEqual({ frames, error: undefined });
      }),
      { numRuns: 60 },
    );
    expect(decode(bytes, Array.from(bytes.keys())).error).toBeUndefined();
  });

  test("is truncated when any tail of it is missing", () => {
    const bytes = bytesOf(goodStream());
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decode(bytes.subarray(0, length)).error).toBe("truncated");
    }
  });

  test("is refused when one frame is left out, doubled or swapped with the next", () => {
    const good = goodStream();
    for (const [index, frame] of good.entries()) {
      if (frame.type === "waiting" || frame.type === "header") continue;
      const without = good.toSpliced(index, 1);
      const doubled = good.toSpliced(index, 0, frame);
      const swapped = good.toSpliced(index, 2, ...good.slice(index, index + 2).reverse());
      expect(decode(bytesOf(without)).error, `without ${index}`).toMatch(/corrupt|truncated/);
      expect(decode(bytesOf(doubled)).error, `doubled ${index}`).toBe("corrupt");
      if (index < good.length - 1) {
        expect(decode(bytesOf(swapped)).error, `swapped ${index}`).toBe("corrupt");
      }
    }
  });

  test("never gives an end when any bit of the extents' records is flipped", () => {
    const frames = goodStream();
    const bytes = bytesOf(frames);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (index, bit) => {
        const bad = bytes.slice();
        bad[index] = (bad[index] ?? 0) ^ (1 << bit);
        const got = decode(bad);
        if (got.error !== undefined) return;
        // What is packed is checked when it is unpacked; all else must have been noticed.
        const packedDiffers = got.frames.some((frame, at) => {
          const was = frames[at];
          return (
            frame.type === "data" && was?.type === "data" && !sameBytes(frame.packed, was.packed)
          );
        });
        expect(packedDiffers).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("allocates no more than one extent when lengths are hostile", () => {
    for (const [length, packedLength] of [
      [maxExtentBytes + 1, 10],
      [0xffff_ffff, 10],
      [10, maxPackedBytes + 1],
      [10, 0xffff_ffff],
      [0, 10],
      [10, 0],
    ] as const) {
      const frame = encodeFrame(data(mib, mib));
      new DataView(frame.buffer).setUint32(9, length);
      new DataView(frame.buffer).setUint32(13, packedLength);
      const header = encodeFrame({ type: "header", virtualBytes: 8 * mib });
      expect(decode(Buffer.concat([header, frame.subarray(0, 49)])).error).toBe("corrupt");
    }
  });

  test("is of another version when the header says so", () => {
    const bytes = bytesOf(goodStream());
    bytes[11] = 2;
    expect(decode(bytes).error).toBe("version");
    bytes[0] = 0;
    expect(decode(bytes).error).toBe("corrupt");
  });

  test("ends with what the sender said when it fails, and with nothing after it", () => {
    const failure: Frame = { type: "failure", kind: "checksum", message: "x".repeat(3000) };
    const header: Frame = { type: "header", virtualBytes: 8 * mib };
    const got = decode(bytesOf([header, failure]));
    expect(got.error).toBeUndefined();
    expect(got.frames[1]).toEqual({ ...failure, message: "x".repeat(2048) });
    expect(decode(bytesOf([header, failure, { type: "waiting" }])).error).toBe("corrupt");
  });

  test("survives arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        const header = encodeFrame({ type: "header", virtualBytes: 8 * mib });
        expect(decode(Buffer.concat([header, noise])).error).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });

  test("has the parts that the format says when the disk is small", () => {
    expect(diskParts(512)).toEqual({ bodyStart: 512, tailStart: 512 });
    expect(diskParts(mib)).toEqual({ bodyStart: mib, tailStart: mib });
    expect(diskParts(mib + 512)).toEqual({ bodyStart: mib, tailStart: mib });
    expect(diskParts(3 * mib + 512)).toEqual({ bodyStart: mib, tailStart: 2 * mib });
    expect(diskParts(3 * mib - 512)).toEqual({ bodyStart: mib, tailStart: 2 * mib - granuleBytes });
    const only = makeContentDigest(512);
    only.add(zero(0, 512));
    const frames: Frame[] = [
      { type: "header", virtualBytes: 512 },
      { type: "verified", contentDigest: only.finish() },
      zero(0, 512),
      { type: "end" },
    ];
    expect(decode(bytesOf(frames))).toEqual({ frames, error: undefined });
  });
});

describe("content digest", () => {
  test("is the digest of the three parts' digests when computed by hand", () => {
    const digest = makeContentDigest(4 * mib + 512);
    // On the wire the body comes first; the digest follows the disk.
    for (const extent of goodStream()) {
      if (extent.type === "zero" || extent.type === "data") digest.add(extent);
    }
    const record = (offset: number, length: number, plain?: Uint8Array) => {
      const bytes = Buffer.alloc(49);
      bytes.writeBigUInt64BE(BigInt(offset), 0);
      bytes.writeBigUInt64BE(BigInt(length), 8);
      if (plain !== undefined) {
        bytes[16] = 1;
        bytes.set(sha256(plain), 17);
      }
      return bytes;
    };
    const packed = (offset: number) => data(offset, mib).packed;
    const head = sha256(record(0, mib, packed(0)));
    const body = sha256(
      Buffer.concat([record(mib, 65536, packed(mib)), record(mib + 65536, 2 * mib - 65536)]),
    );
    const tail = sha256(
      Buffer.concat([record(3 * mib, mib, packed(3 * mib)), record(4 * mib, 512)]),
    );
    const whole = sha256(Buffer.concat([head, body, tail]));
    expect(digest.finish()).toBe(Buffer.from(whole).toString("hex"));
  });
});

describe("unpackExtent", () => {
  const plain = new Uint8Array(65536).fill(7);
  const extent: DataExtent = {
    type: "data",
    offset: 0,
    length: plain.length,
    digest: sha256(plain),
    packed: new Uint8Array(3),
  };
  const tools = { sha256, unzstd: async () => ok(plain) };

  test("gives the bytes when length and digest agree", async () => {
    expect(await unpackExtent(extent, tools)).toEqual(ok(plain));
  });

  test("fails when the bytes, their number or the compression are wrong", async () => {
    const other = plain.slice();
    other[9] = 8;
    for (const result of [ok(other), ok(plain.subarray(1)), err("too-large", "too large")]) {
      const got = await unpackExtent(extent, { sha256, unzstd: async () => result });
      expect(got.ok).toBe(false);
    }
  });
});

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex } from "../../bytes.ts";
import { l2Coverage, readL1Entry, readL2Entry } from "./qcow2-entries.ts";
import { readQcow2Header } from "./qcow2-header.ts";
import type { Qcow2Header } from "./qcow2-header.ts";
import { zstdFrameBytes } from "./zstd-frame.ts";

const tib = 2 ** 40;

/** Headers that qemu-img 7.2 wrote; the rest of each is zero. */
const made = {
  // create -f qcow2 a 10G
  plain:
    "514649fb000000030000000000000000000000000000001000000002800000000000000000000014" +
    "00000000000300000000000000010000000000010000000000000000000000000000000000000000" +
    "000000000000000000000000000000000000000400000070",
  // -o compat=0.10,cluster_size=4k, 1000001k
  old:
    "514649fb000000020000000000000000000000000000000c000000003d09040000000000000001e9" +
    "0000000000003000000000000000100000000001",
  // -o compression_type=zstd,cluster_size=2M, 5G
  zstd:
    "514649fb000000030000000000000000000000000000001500000001400000000000000000000001" +
    "00000000006000000000000000200000000000010000000000000000000000000000000000000008" +
    "00000000000000000000000000000000000000040000007001",
};

function headerOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(112);
  bytes.set(fromHex(hex) ?? []);
  return bytes;
}

function changed(at: number, value: number): Uint8Array {
  const bytes = headerOf(made.plain);
  bytes[at] = value;
  return bytes;
}

function refusal(bytes: Uint8Array, maxVirtualBytes = tib): string {
  const header = readQcow2Header(bytes, maxVirtualBytes);
  return header.ok ? "accepted" : header.error.message;
}

describe("readQcow2Header", () => {
  test("reads what qemu-img wrote", () => {
    expect(readQcow2Header(headerOf(made.plain), tib)).toEqual({
      ok: true,
      value: {
        version: 3,
        clusterBits: 16,
        clusterBytes: 65536,
        virtualBytes: 10 * 2 ** 30,
        l1Offset: 0x30000,
        l1Entries: 20,
        compression: "zlib",
      },
    });
    const old = readQcow2Header(headerOf(made.old), tib);
    expect(old.ok && old.value).toMatchObject({
      version: 2,
      clusterBytes: 4096,
      virtualBytes: 1000001 * 1024,
      l1Entries: 489,
    });
    const zstd = readQcow2Header(headerOf(made.zstd), tib);
    expect(zstd.ok && zstd.value).toMatchObject({ compression: "zstd", clusterBytes: 2 ** 21 });
  });

  test("names what it refuses when the image is unsafe, unknown or impossible", () => {
    expect(refusal(headerOf(made.plain))).toBe("accepted");
    // Dirty: concerns refcounts only.
    expect(refusal(changed(79, 0x01))).toBe("accepted");
    expect(refusal(changed(14, 2))).toContain("backing file");
    expect(refusal(changed(19, 7))).toContain("backing file");
    expect(refusal(changed(35, 1))).toContain("encrypted");
    expect(refusal(changed(79, 0x02))).toContain("corrupt");
    expect(refusal(changed(79, 0x04))).toContain("external file");
    expect(refusal(changed(79, 0x10))).toContain("extended L2");
    expect(refusal(changed(78, 0x01))).toContain("feature 8");
    expect(refusal(changed(72, 0x80))).toContain("feature 63");
    expect(refusal(changed(79, 0x08))).toContain("compression type");
    expect(refusal(changed(7, 1))).toContain("version 1");
    expect(refusal(changed(7, 4))).toContain("version 4");
    expect(refusal(changed(23, 0))).toContain("clusters");
    expect(refusal(changed(23, 63))).toContain("clusters");
    expect(refusal(changed(24, 0x80))).toContain("allowed");
    expect(refusal(changed(39, 19))).toContain("L1 table");
    expect(refusal(changed(47, 1))).toContain("L1 table");
    expect(refusal(changed(40, 0xff))).toContain("L1 table");
    expect(refusal(headerOf(made.plain), 10 * 2 ** 30 - 1)).toContain("allowed");
    expect(refusal(headerOf(made.plain).subarray(0, 90))).toContain("whole header");
    const small = headerOf(made.plain).fill(0, 24, 32);
    expect(refusal(small)).toContain("no bytes");
  });

  test("gives bounded values or an error when any bytes of the header change", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(111), fc.nat(255)), { maxLength: 6 }), (changes) => {
        const bytes = headerOf(made.plain);
        for (const [at, value] of changes) bytes[at] = value;
        const header = readQcow2Header(bytes, tib);
        if (!header.ok) return;
        expect(header.value.virtualBytes).toBeLessThanOrEqual(tib);
        expect(header.value.virtualBytes % 512).toBe(0);
        expect(header.value.l1Entries * 8).toBeLessThanOrEqual(2 ** 25);
        expect(header.value.clusterBytes).toBeLessThanOrEqual(2 ** 21);
        expect(Number.isSafeInteger(header.value.l1Offset)).toBe(true);
        const covered = header.value.l1Entries * l2Coverage(header.value).bytes;
        expect(covered).toBeGreaterThanOrEqual(header.value.virtualBytes);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("cluster map", () => {
  const known = readQcow2Header(headerOf(made.plain), tib);
  if (!known.ok) throw new Error("header");
  const header: Qcow2Header = known.value;

  test("reads entries as the specification lays them out", () => {
    expect(readL1Entry(0x8000_0000_0004_0000n, header)).toEqual({ ok: true, value: 0x40000 });
    expect(readL1Entry(0n, header)).toEqual({ ok: true, value: 0 });
    expect(readL2Entry(0x8000_0000_0005_0000n, header)).toEqual({
      ok: true,
      value: { kind: "plain", offset: 0x50000 },
    });
    expect(readL2Entry(1n, header)).toEqual({ ok: true, value: { kind: "zero" } });
    expect(readL2Entry(0x8000_0000_0005_0001n, header)).toEqual({
      ok: true,
      value: { kind: "zero" },
    });
    expect(readL2Entry(0n, header)).toEqual({ ok: true, value: { kind: "zero" } });
    // 16 cluster bits: 54 bits of offset, then 8 bits of further sectors.
    expect(readL2Entry((1n << 62n) | (3n << 54n) | 0x1234n, header)).toEqual({
      ok: true,
      value: { kind: "packed", offset: 0x1234, length: 4 * 512 - 0x34 },
    });
  });

  test("refuses reserved bits, offsets inside of a cluster and zero flags of version 2", () => {
    expect(readL1Entry(0x8000_0000_0004_0001n, header).ok).toBe(false);
    expect(readL1Entry(0x8000_0000_0004_0200n, header).ok).toBe(false);
    expect(readL1Entry(0x4000_0000_0004_0000n, header).ok).toBe(false);
    expect(readL2Entry(0x8100_0000_0005_0000n, header).ok).toBe(false);
    expect(readL2Entry(0x8000_0000_0005_0002n, header).ok).toBe(false);
    expect(readL2Entry(0x8000_0000_0005_0400n, header).ok).toBe(false);
    expect(readL2Entry(1n, { ...header, version: 2 }).ok).toBe(false);
  });
});

describe("zstdFrameBytes", () => {
  // "hello\n" as the zstd 1.5.4 program writes it, with its content checksum.
  const frame = fromHex("28b52ffd045831000068656c6c6f0a5388bd91") ?? new Uint8Array();

  test("gives the frame's length whatever follows it", () => {
    for (const rest of [[], [0, 0, 0], [...frame]]) {
      expect(zstdFrameBytes(Uint8Array.from([...frame, ...rest]))).toBe(frame.length);
    }
  });

  test("gives nothing when the frame is cut off or is none", () => {
    for (let length = 0; length < frame.length; length += 1) {
      expect(zstdFrameBytes(frame.subarray(0, length))).toBeUndefined();
    }
    expect(zstdFrameBytes(new Uint8Array(64).fill(0x28))).toBeUndefined();
  });

  test("ends when the bytes are noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const bytes = Uint8Array.from([...frame.subarray(0, 4), ...noise]);
        expect(zstdFrameBytes(bytes) ?? 0).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});

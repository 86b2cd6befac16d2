import { deflateRawSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readQcow2Header } from "../../../shared/wire/qcow2/qcow2-header.ts";
import { encodeDisk, fileOf } from "../../../test/support/encode-disk.ts";
import { syncCompression } from "../../../test/support/sync-compression.ts";
import { makeQcow2Disk } from "./qcow2-disk.ts";

const mib = 1024 * 1024;
const clusterBytes = 65536;

/**
 * A qcow2 image of 3 MiB: header, L1 table in cluster 1, L2 table in cluster 2, then a plain cluster (3) for
 * guest cluster 5, and compressed ones in cluster 4 for guest clusters 17 and 40.
 */
function makeQcow2(compression: "zlib" | "zstd" = "zlib"): Uint8Array {
  const image = Buffer.alloc(5 * clusterBytes);
  image.set([0x51, 0x46, 0x49, 0xfb]);
  image.writeUInt32BE(3, 4);
  image.writeUInt32BE(16, 20);
  image.writeBigUInt64BE(BigInt(3 * mib), 24);
  image.writeUInt32BE(1, 36);
  image.writeBigUInt64BE(BigInt(clusterBytes), 40);
  image.writeUInt32BE(4, 96);
  image.writeUInt32BE(112, 100);
  if (compression === "zstd") {
    image.writeBigUInt64BE(8n, 72);
    image.writeUInt8(1, 104);
  }
  const l2 = 2 * clusterBytes;
  image.writeBigUInt64BE((1n << 63n) | BigInt(l2), clusterBytes);
  image.writeBigUInt64BE((1n << 63n) | BigInt(3 * clusterBytes), l2 + 5 * 8);
  image.fill(0x55, 3 * clusterBytes, 4 * clusterBytes);
  let at = 4 * clusterBytes;
  for (const [guest, byte] of [
    [17, 0x17],
    [40, 0x40],
  ] as const) {
    const plain = Buffer.alloc(clusterBytes, byte);
    const packed = compression === "zstd" ? zstdCompressSync(plain) : deflateRawSync(plain);
    image.set(packed, at);
    const sectors = Math.ceil(((at % 512) + packed.length) / 512) - 1;
    const entry = (1n << 62n) | (BigInt(sectors) << 54n) | BigInt(at);
    image.writeBigUInt64BE(entry, l2 + guest * 8);
    at += packed.length;
  }
  return image;
}

function openQcow2(image: Uint8Array, file = fileOf(image), maxVirtualBytes = 64 * mib) {
  const header = readQcow2Header(image.subarray(0, 512), maxVirtualBytes);
  return header.ok ? makeQcow2Disk(header.value, file, syncCompression) : undefined;
}

async function outcome(image: Uint8Array): Promise<string> {
  const disk = openQcow2(image);
  return disk === undefined ? "refused" : ((await encodeDisk(disk)).at(-1) ?? "nothing");
}

describe("qcow2 disk", () => {
  test.each(["zlib", "zstd"] as const)("has its clusters where the map says (%s)", async (kind) => {
    const disk = openQcow2(makeQcow2(kind));
    expect(disk && (await encodeDisk(disk))).toEqual([
      "zero 0 327680",
      "data 327680 65536",
      "zero 393216 655360",
      "zero 1048576 65536",
      "data 1114112 65536",
      "zero 1179648 917504",
      "zero 2097152 524288",
      "data 2621440 65536",
      "zero 2686976 458752",
    ]);
    const block = await disk?.read(mib);
    if (block?.ok !== true || block.value.kind !== "data") throw new Error("no block");
    expect(block.value.bytes.subarray(clusterBytes, 2 * clusterBytes)).toEqual(
      new Uint8Array(clusterBytes).fill(0x17),
    );
  });

  test("is refused when a table or cluster is beyond the file's end", async () => {
    const image = makeQcow2();
    const far = Buffer.from(image);
    far.writeBigUInt64BE((1n << 63n) | BigInt(2 ** 40), clusterBytes);
    expect(await outcome(far)).toMatch(/^format: .*table at 1099511627776/);
    const lost = Buffer.from(image);
    lost.writeBigUInt64BE((1n << 63n) | BigInt(2 ** 40), 2 * clusterBytes + 40);
    expect(await outcome(lost)).toMatch(/^format: .*cluster at 1099511627776/);
    expect(await outcome(image.subarray(0, 3 * clusterBytes - 1))).toMatch(/^format: .*table at/);
    expect(await outcome(image.subarray(0, 4 * clusterBytes))).toMatch(/^format: .*unpacked/);
  });

  test("takes a last cluster that is not filled up, as QEMU does", async () => {
    const image = Buffer.from(makeQcow2());
    image.writeBigUInt64BE(0n, 2 * clusterBytes + 17 * 8);
    image.writeBigUInt64BE(0n, 2 * clusterBytes + 40 * 8);
    expect(await outcome(image.subarray(0, 3 * clusterBytes + 1000))).toMatch(/^zero/);
  });

  test("is refused when few clusters stand for many", async () => {
    const image = Buffer.from(makeQcow2());
    for (let guest = 0; guest < 48; guest += 1) {
      const entry = (1n << 63n) | BigInt(3 * clusterBytes);
      image.writeBigUInt64BE(entry, 2 * clusterBytes + guest * 8);
    }
    expect(await outcome(image)).toMatch(/^format: .*more than once/);
  });

  test("is refused when a compressed cluster unpacks to less or more than a cluster", async () => {
    for (const bytes of [clusterBytes - 1, clusterBytes + 1, 50 * mib]) {
      const image = makeQcow2();
      image.fill(0, 4 * clusterBytes);
      image.set(deflateRawSync(Buffer.alloc(bytes)).subarray(0, 60_000), 4 * clusterBytes);
      const entry = (1n << 62n) | (100n << 54n) | BigInt(4 * clusterBytes);
      Buffer.from(image.buffer).writeBigUInt64BE(entry, 2 * clusterBytes + 17 * 8);
      expect(await outcome(image)).toMatch(/^format: .*unpacked/);
    }
  });

  test("ends, with bounded reading, when any bytes of header and tables are changed", async () => {
    const spots = fc.oneof(
      fc.nat(111),
      fc.nat(7).map((at) => clusterBytes + at),
      fc.nat(48 * 8).map((at) => 2 * clusterBytes + at),
      fc.nat(800).map((at) => 4 * clusterBytes + at),
    );
    const changes = fc.array(fc.tuple(spots, fc.nat(255)), { minLength: 1, maxLength: 8 });
    for (const kind of ["zlib", "zstd"] as const) {
      const good = makeQcow2(kind);
      await fc.assert(
        fc.asyncProperty(changes, async (bytes) => {
          const image = good.slice();
          for (const [at, value] of bytes) image[at] = value;
          const file = fileOf(image);
          const disk = openQcow2(image, file);
          if (disk === undefined) return;
          const places = await encodeDisk(disk, 1_100);
          expect(places.length).toBeGreaterThan(0);
          // 64 MiB at most are described: each byte is read once, and tables a few times.
          expect(file.bytesRead()).toBeLessThan(130 * mib);
        }),
        { numRuns: 300 },
      );
    }
  });
});

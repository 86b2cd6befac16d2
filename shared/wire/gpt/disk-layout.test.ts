import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planDiskLayout } from "./disk-layout.ts";
import { applyWrites, bytesAt } from "./disk-pieces.ts";
import { readGpt } from "./gpt.ts";
import { readMbr } from "./mbr.ts";

const mib = 1024 * 1024;
const uniqueGuid = new Uint8Array(16).fill(0x5a);

/**
 * What sgdisk 1.0.9 writes to a disk of 8 MiB for:
 * -o -U 11111111-2222-3333-4444-555555555555 -n 1:2048:4095 -t 1:ef00 -c 1:EFI -u 1:aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
 * -n 2:4096:10239 -t 2:8300 -c 2:root -u 2:12345678-9abc-def0-1234-56789abcdef0
 */
const golden = {
  protective: "00000200ee05040101000000ff3f0000",
  header:
    "4546492050415254000001005c0000005f31734c000000000100000000000000ff3f000000000000" +
    "2200000000000000de3f000000000000111111112222333344445555555555550200000000000000" +
    "80000000800000009685fe99",
  backup:
    "4546492050415254000001005c0000006a2446f800000000ff3f0000000000000100000000000000" +
    "2200000000000000de3f00000000000011111111222233334444555555555555df3f000000000000" +
    "80000000800000009685fe99",
  entries: [
    "28732ac11ff8d211ba4b00a0c93ec93baaaaaaaabbbbccccddddeeeeeeeeeeee" +
      "0008000000000000ff0f0000000000000000000000000000450046004900",
    "af3dc60f838472478e793d69d8477de478563412bc9af0de123456789abcdef0" +
      "0010000000000000ff27000000000000000000000000000072006f006f007400",
  ],
};

function put(disk: Uint8Array, offset: number, hex: string): void {
  disk.set(Buffer.from(hex, "hex"), offset);
}

/** The disk of `golden`, as it lies on a larger one. */
function goldenDisk(diskBytes: number): Uint8Array {
  const disk = new Uint8Array(diskBytes);
  put(disk, 446, golden.protective);
  put(disk, 510, "55aa");
  put(disk, 512, golden.header);
  put(disk, 8 * mib - 512, golden.backup);
  for (const table of [1024, 8 * mib - 33 * 512]) {
    golden.entries.forEach((entry, index) => put(disk, table + 128 * index, entry));
  }
  return disk;
}

function plan(disk: Uint8Array, configBytes?: number, sectorBytes: 512 | 4096 = 512) {
  return planDiskLayout({
    pieces: [{ offset: 0, bytes: disk }],
    disk: { diskBytes: disk.length, sectorBytes },
    ...(configBytes === undefined ? {} : { configDrive: { bytes: configBytes, uniqueGuid } }),
  });
}

describe("readGpt", () => {
  test("reads both tables that sgdisk wrote", () => {
    const pieces = [{ offset: 0, bytes: goldenDisk(8 * mib) }];
    for (const lba of [1, 8 * 2048 - 1]) {
      const gpt = readGpt(pieces, lba, 512);
      expect(gpt.ok && gpt.value.entries).toEqual([
        { index: 0, firstLba: 2048, lastLba: 4095, name: "EFI" },
        { index: 1, firstLba: 4096, lastLba: 10239, name: "root" },
      ]);
    }
  });

  test("refuses the table when any bit of it is flipped", () => {
    const disk = goldenDisk(8 * mib);
    const spots = [...Array(92).keys()].map((at) => 512 + at);
    spots.push(...[...Array(256).keys()].map((at) => 1024 + at));
    for (const spot of spots) {
      disk[spot] = (disk[spot] ?? 0) ^ 0x10;
      expect(readGpt([{ offset: 0, bytes: disk }], 1, 512).ok, `byte ${spot}`).toBe(false);
      disk[spot] = (disk[spot] ?? 0) ^ 0x10;
    }
  });

  test("refuses or reads, and never throws, when the header is noise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 84, maxLength: 84 }), (noise) => {
        const disk = goldenDisk(8 * mib);
        disk.set(noise, 520);
        expect(readGpt([{ offset: 0, bytes: disk }], 1, 512).ok).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});

describe("planDiskLayout", () => {
  test("gives writes that change nothing when the disk has the image's size", () => {
    const disk = goldenDisk(8 * mib);
    const layout = plan(disk);
    if (!layout.ok) throw new Error(layout.error.message);
    const after = disk.slice();
    applyWrites([{ offset: 0, bytes: after }], layout.value.writes);
    // Only the CHS end of the protective entry may differ: sgdisk computes it, others write FF FF FF.
    after.set(disk.subarray(446, 462), 446);
    expect(Buffer.compare(after, disk)).toBe(0);
  });

  test("moves the backup table to the end and wipes the old one when the disk is larger", () => {
    const disk = goldenDisk(20 * mib);
    const layout = plan(disk);
    if (!layout.ok) throw new Error(layout.error.message);
    applyWrites([{ offset: 0, bytes: disk }], layout.value.writes);
    const pieces = [{ offset: 0, bytes: disk }];
    const primary = readGpt(pieces, 1, 512);
    const backup = readGpt(pieces, 20 * 2048 - 1, 512);
    if (!primary.ok || !backup.ok) throw new Error("not readable");
    expect(primary.value.header.alternateLba).toBe(20 * 2048 - 1);
    expect(backup.value.header.alternateLba).toBe(1);
    expect(backup.value.header.lastUsableLba).toBe(20 * 2048 - 34);
    expect(backup.value.entries).toEqual(primary.value.entries);
    expect(bytesAt(pieces, 8 * mib - 512, 512)?.every((byte) => byte === 0)).toBe(true);
    expect(readMbr(disk.subarray(0, 512))?.[0]?.sectors).toBe(20 * 2048 - 1);
  });

  test("puts the config drive into the last whole MiBs when one is wanted", () => {
    const disk = goldenDisk(20 * mib);
    const layout = plan(disk, mib + 1);
    expect(layout.ok && layout.value.configDrive).toEqual({ offset: 17 * mib, length: 2 * mib });
    if (!layout.ok) return;
    applyWrites([{ offset: 0, bytes: disk }], layout.value.writes);
    const gpt = readGpt([{ offset: 0, bytes: disk }], 1, 512);
    expect(gpt.ok && gpt.value.entries[2]).toEqual({
      index: 2,
      firstLba: 17 * 2048,
      lastLba: 19 * 2048 - 1,
      name: "config-2",
    });
  });

  test("reuses the image's own config-2 partition when it is large enough", () => {
    const disk = goldenDisk(20 * mib);
    const first = plan(disk, 2 * mib);
    if (!first.ok) throw new Error(first.error.message);
    applyWrites([{ offset: 0, bytes: disk }], first.value.writes);
    const again = plan(disk, 1000);
    expect(again.ok && again.value.configDrive).toEqual(first.value.configDrive);
    const larger = plan(disk, 3 * mib);
    expect(!larger.ok && larger.error.kind).toBe("no-room");
  });

  test("refuses when disk, sectors or table do not fit", () => {
    const small = planDiskLayout({
      pieces: [{ offset: 0, bytes: goldenDisk(8 * mib) }],
      disk: { diskBytes: 5 * mib, sectorBytes: 512 },
    });
    expect(!small.ok && small.error.kind).toBe("too-small");
    const otherSectors = plan(goldenDisk(8 * mib), undefined, 4096);
    expect(!otherSectors.ok && otherSectors.error.kind).toBe("sector-size");
    const full = plan(goldenDisk(8 * mib), 3 * mib);
    expect(!full.ok && full.error.kind).toBe("no-room");
    const headless = goldenDisk(8 * mib).fill(0, 512, 1024);
    const noGpt = plan(headless);
    expect(!noGpt.ok && noGpt.error.kind).toBe("corrupt");
  });

  test("adds a primary partition when the image has an MBR with a free entry", () => {
    const disk = new Uint8Array(16 * mib);
    put(disk, 510, "55aa");
    put(disk, 446, "80202100830000000008000000200000");
    expect(plan(disk)).toEqual({ ok: true, value: { table: "mbr", writes: [] } });
    const layout = plan(disk, 5000);
    if (!layout.ok) throw new Error(layout.error.message);
    expect(layout.value.configDrive).toEqual({ offset: 15 * mib, length: mib });
    applyWrites([{ offset: 0, bytes: disk }], layout.value.writes);
    expect(Buffer.from(disk.subarray(446, 478)).toString("hex")).toBe(
      "80202100830000000008000000200000" + "00feffff83feffff0078000000080000",
    );
  });

  test("stays below 2 TiB and refuses a fifth primary when the table is an MBR", () => {
    const head = new Uint8Array(mib);
    put(head, 510, "55aa");
    put(head, 446, "80202100830000000008000000200000");
    const request = {
      pieces: [{ offset: 0, bytes: head }],
      disk: { diskBytes: 3 * 2 ** 40, sectorBytes: 512 as const },
      configDrive: { bytes: 5000, uniqueGuid },
    };
    const layout = planDiskLayout(request);
    expect(layout.ok && layout.value.configDrive).toEqual({
      offset: 2 ** 41 - mib,
      length: mib,
    });
    for (const [index, start] of ["0028", "0030", "0038"].entries()) {
      put(head, 462 + 16 * index, `0020210083000000${start}000000080000`);
    }
    expect(readMbr(head.subarray(0, 512))).toHaveLength(4);
    const fifth = planDiskLayout(request);
    expect(!fifth.ok && fifth.error.kind).toBe("no-room");
  });

  test("has no place for a config drive when there is no table at all", () => {
    const disk = new Uint8Array(4 * mib);
    // A FAT boot sector ends like an MBR and has code where the entries would be.
    put(disk, 510, "55aa");
    disk.fill(0x61, 400, 510);
    expect(plan(disk)).toEqual({ ok: true, value: { table: "none", writes: [] } });
    const layout = plan(disk, 5000);
    expect(!layout.ok && layout.error.kind).toBe("no-room");
  });
});

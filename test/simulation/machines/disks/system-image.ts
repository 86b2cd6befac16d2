// Operating systems of the simulated world: what a disk must hold for one to run, and which it is. The name stands in
// the boot code of the first sector, which the ramdisk writes last. Images are built from the UEFI specification, by
// nothing of the product.
import { crc32 } from "node:zlib";
import { bootableDisk } from "../../../support/bootable-disk.ts";
import type { ReadableDisk } from "../../../support/bootable-disk.ts";
import { makeRandom } from "../../kernel/random.ts";
import { plainBytes } from "../crypto/plain-bytes.ts";

const sector = 512;
const mib = 1024 * 1024;
const tableSectors = 32;
const mark = "simulated system ";
const markBytes = 200;
/** The name of whatever was on a disk before Farrier. */
export const oldSystem = "old";

/** The system that firmware would boot from the disk; undefined: none, or one without a name. */
export function systemOn(disk: ReadableDisk): string | undefined {
  const text = Buffer.from(disk.peek(0, markBytes)).toString("latin1");
  if (!text.startsWith(mark) || !bootableDisk(disk).ok) return undefined;
  return text.slice(mark.length, text.indexOf("\0", mark.length));
}

const made = new Map<string, Uint8Array>();

/**
 * A raw image with an EFI system partition and a root: one granule of 64 KiB in three holds bytes that no other
 * image has, the others are holes. Made once for a name and size: treat it as constant. At least 1.5 MiB.
 */
export function makeSystemImage(name: string, sizeBytes: number): Uint8Array {
  const key = `${name} ${sizeBytes}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const image = Buffer.alloc(sizeBytes);
  const random = makeRandom(key);
  // A boot loader's second stage, between the table and the first partition.
  image.set(random.bytes(4096), 512 * 1024);
  for (let at = mib; at < sizeBytes - 64 * 1024; at += 3 * 64 * 1024) {
    image.set(random.bytes(4096), at);
  }
  partition(image, name);
  const plain = plainBytes(image);
  made.set(key, plain);
  return plain;
}

/** What an old system leaves on the ends of its disk, with the places of the pieces. */
export function makeOldSystem(
  diskBytes: number,
): readonly { readonly offset: number; readonly bytes: Uint8Array }[] {
  const small = Buffer.alloc(2 * mib);
  partition(small, oldSystem, diskBytes);
  const tail = (tableSectors + 1) * sector;
  return [
    { offset: 0, bytes: plainBytes(small.subarray(0, (2 + tableSectors) * sector)) },
    { offset: mib, bytes: Buffer.from("data of the former tenant") },
    { offset: diskBytes - tail, bytes: plainBytes(small.subarray(small.length - tail)) },
  ];
}

/** Puts MBR and both partition tables where the ends of a disk of `diskBytes` are (UEFI 2.10 section 5). */
function partition(image: Buffer, name: string, diskBytes = image.length): void {
  const lastLba = diskBytes / sector - 1;
  const backup = image.length - sector;
  image.write(`${mark}${name}\0`, 0, "latin1");
  image.set([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff], 446);
  image.writeUInt32LE(1, 454);
  image.writeUInt32LE(Math.min(lastLba, 0xffff_ffff), 458);
  image.set([0x55, 0xaa], 510);
  const table = makeTable(lastLba);
  const tableAt = lastLba - tableSectors;
  image.set(table, 2 * sector);
  image.set(table, backup - tableSectors * sector);
  image.set(makeHeader(table, { at: 1, other: lastLba, tableAt: 2, lastLba }), sector);
  image.set(makeHeader(table, { at: lastLba, other: 1, tableAt, lastLba }), backup);
}

/** Section 5.3.3. */
function makeTable(lastLba: number): Buffer {
  const table = Buffer.alloc(tableSectors * sector);
  const middle = mib / sector + 512;
  const partitions = [
    {
      name: "EFI",
      type: "28732ac11ff8d211ba4b00a0c93ec93b",
      first: mib / sector,
      last: middle - 1,
    },
    { name: "root", type: "af3dc60f838472478e793d69d8477de4", first: middle, last: lastLba - 64 },
  ];
  for (const [index, { name, type, first, last }] of partitions.entries()) {
    const at = index * 128;
    table.write(type, at, "hex");
    table.fill(0x11 * (index + 1), at + 16, at + 32);
    table.writeBigUInt64LE(BigInt(first), at + 32);
    table.writeBigUInt64LE(BigInt(last), at + 40);
    table.write(name, at + 56, "utf16le");
  }
  return table;
}

interface Places {
  readonly at: number;
  readonly other: number;
  readonly tableAt: number;
  readonly lastLba: number;
}

/** Section 5.3.2. */
function makeHeader(table: Buffer, { at, other, tableAt, lastLba }: Places): Buffer {
  const header = Buffer.alloc(92);
  header.write("EFI PART", 0);
  header.writeUInt32LE(0x0001_0000, 8);
  header.writeUInt32LE(header.length, 12);
  header.writeBigUInt64LE(BigInt(at), 24);
  header.writeBigUInt64LE(BigInt(other), 32);
  header.writeBigUInt64LE(BigInt(2 + tableSectors), 40);
  header.writeBigUInt64LE(BigInt(lastLba - 1 - tableSectors), 48);
  header.fill(0xd5, 56, 72);
  header.writeBigUInt64LE(BigInt(tableAt), 72);
  header.writeUInt32LE(table.length / 128, 80);
  header.writeUInt32LE(128, 84);
  header.writeUInt32LE(crc32(table), 88);
  header.writeUInt32LE(crc32(header), 16);
  return header;
}

// A small raw disk image as a distribution would ship it: protective MBR with boot code, GUID partition table with
// its backup, an EFI system partition and a root, some content in both. The same bytes at each call. Built from the
// UEFI specification (2.10 section 5) and zlib's CRC, by nothing of the product.
import { crc32 } from "node:zlib";

const sector = 512;
const mib = 1024 * 1024;
const tableSectors = 32;

const partitions = [
  { name: "EFI", typeHex: "28732ac11ff8d211ba4b00a0c93ec93b", firstMib: 1, endMib: 2 },
  { name: "root", typeHex: "af3dc60f838472478e793d69d8477de4", firstMib: 2, endMib: 6 },
] as const;

/** 8 MiB. */
export function makeGptImage(): Uint8Array {
  const image = Buffer.alloc(8 * mib);
  const lastLba = image.length / sector - 1;
  image.write("boot code of an image", 0);
  // Section 5.2.3: one entry of type EEh over the whole disk.
  image.set([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff], 446);
  image.writeUInt32LE(1, 454);
  image.writeUInt32LE(lastLba, 458);
  image.set([0x55, 0xaa], 510);
  const table = makeTable();
  const backupTableLba = lastLba - tableSectors;
  image.set(table, 2 * sector);
  image.set(table, backupTableLba * sector);
  image.set(makeHeader(table, { at: 1, other: lastLba, tableAt: 2, lastLba }), sector);
  image.set(
    makeHeader(table, { at: lastLba, other: 1, tableAt: backupTableLba, lastLba }),
    lastLba * sector,
  );
  image.write("content of the EFI system partition", mib);
  image.write("content of the root file system", 2 * mib);
  image.write("more of it, after a hole", 5 * mib);
  return new Uint8Array(image.buffer, image.byteOffset, image.length);
}

/** Section 5.3.3. */
function makeTable(): Buffer {
  const table = Buffer.alloc(tableSectors * sector);
  for (const [index, { name, typeHex, firstMib, endMib }] of partitions.entries()) {
    const at = index * 128;
    table.write(typeHex, at, "hex");
    table.fill(0x11 * (index + 1), at + 16, at + 32);
    table.writeBigUInt64LE(BigInt((firstMib * mib) / sector), at + 32);
    table.writeBigUInt64LE(BigInt((endMib * mib) / sector - 1), at + 40);
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

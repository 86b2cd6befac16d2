// Partition tables for images of tests: protective MBR, GUID partition table and its backup. Built from the UEFI
// specification (2.10 section 5) and zlib's CRC, by nothing of the product.
import { crc32 } from "node:zlib";

const sector = 512;
const tableSectors = 32;

export interface GptPartition {
  readonly name: string;
  /** As the bytes stand in the entry. */
  readonly typeHex: string;
  readonly firstLba: number;
  readonly lastLba: number;
}

/** Puts them on the ends of the image, as they are on a disk of `diskBytes`. Leaves the boot code alone. */
export function putGptTables(
  image: Buffer,
  partitions: readonly GptPartition[],
  diskBytes = image.length,
): void {
  const lastLba = diskBytes / sector - 1;
  const backup = image.length - sector;
  // Section 5.2.3: one entry of type EEh over the whole disk.
  image.set([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff], 446);
  image.writeUInt32LE(1, 454);
  image.writeUInt32LE(Math.min(lastLba, 0xffff_ffff), 458);
  image.set([0x55, 0xaa], 510);
  const table = makeTable(partitions);
  const tableAt = lastLba - tableSectors;
  image.set(table, 2 * sector);
  image.set(table, backup - tableSectors * sector);
  image.set(makeHeader(table, { at: 1, other: lastLba, tableAt: 2, lastLba }), sector);
  image.set(makeHeader(table, { at: lastLba, other: 1, tableAt, lastLba }), backup);
}

/** Section 5.3.3. */
function makeTable(partitions: readonly GptPartition[]): Buffer {
  const table = Buffer.alloc(tableSectors * sector);
  for (const [index, { name, typeHex, firstLba, lastLba }] of partitions.entries()) {
    const at = index * 128;
    table.write(typeHex, at, "hex");
    table.fill(0x11 * (index + 1), at + 16, at + 32);
    table.writeBigUInt64LE(BigInt(firstLba), at + 32);
    table.writeBigUInt64LE(BigInt(lastLba), at + 40);
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

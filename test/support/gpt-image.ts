// A small raw disk image as a distribution would ship it: protective MBR with boot code, GUID partition table with
// its backup, an EFI system partition and a root, some content in both. The same bytes at each call.
import { putGptTables } from "./gpt-tables.ts";

const mib = 1024 * 1024;
const sectorsPerMib = mib / 512;

const partitions = [
  { name: "EFI", typeHex: "28732ac11ff8d211ba4b00a0c93ec93b", ...inMib(1, 2) },
  { name: "root", typeHex: "af3dc60f838472478e793d69d8477de4", ...inMib(2, 6) },
];

function inMib(first: number, end: number): { firstLba: number; lastLba: number } {
  return { firstLba: first * sectorsPerMib, lastLba: end * sectorsPerMib - 1 };
}

/** 8 MiB. */
export function makeGptImage(): Uint8Array {
  const image = Buffer.alloc(8 * mib);
  image.write("boot code of an image", 0);
  putGptTables(image, partitions);
  image.write("content of the EFI system partition", mib);
  image.write("content of the root file system", 2 * mib);
  image.write("more of it, after a hole", 5 * mib);
  return new Uint8Array(image.buffer, image.byteOffset, image.length);
}

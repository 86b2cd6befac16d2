// Operating systems of the simulated world: what a disk must hold for one to run, and which it is. The name stands in
// the boot code of the first sector, which the ramdisk writes last. Images are built from the UEFI specification, by
// nothing of the product.
import { bootableDisk } from "../../../support/bootable-disk.ts";
import type { ReadableDisk } from "../../../support/bootable-disk.ts";
import { putGptTables } from "../../../support/gpt-tables.ts";
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

type Pieces = readonly { readonly offset: number; readonly bytes: Uint8Array }[];

const old = new Map<number, Pieces>();

/** What an old system leaves on the ends of its disk, with the places of the pieces. Treat them as constant. */
export function makeOldSystem(diskBytes: number): Pieces {
  const pieces = old.get(diskBytes) ?? piecesOfOld(diskBytes);
  old.set(diskBytes, pieces);
  return pieces;
}

function piecesOfOld(diskBytes: number): Pieces {
  const small = Buffer.alloc(2 * mib);
  partition(small, oldSystem, diskBytes);
  const tail = (tableSectors + 1) * sector;
  return [
    { offset: 0, bytes: plainBytes(small.subarray(0, (2 + tableSectors) * sector)) },
    { offset: mib, bytes: Buffer.from("data of the former tenant") },
    { offset: diskBytes - tail, bytes: plainBytes(small.subarray(small.length - tail)) },
  ];
}

/** Boot code that names the system, and the tables of a disk of `diskBytes` on the image's ends. */
function partition(image: Buffer, name: string, diskBytes = image.length): void {
  image.write(`${mark}${name}\0`, 0, "latin1");
  const middle = mib / sector + 512;
  const lastLba = diskBytes / sector - 1;
  const partitions = [
    {
      name: "EFI",
      typeHex: "28732ac11ff8d211ba4b00a0c93ec93b",
      firstLba: mib / sector,
      lastLba: middle - 1,
    },
    {
      name: "root",
      typeHex: "af3dc60f838472478e793d69d8477de4",
      firstLba: middle,
      lastLba: lastLba - 64,
    },
  ];
  putGptTables(image, partitions, diskBytes);
}

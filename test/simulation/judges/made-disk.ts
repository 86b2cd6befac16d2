// A disk as the tests of judges make it up: as large as its bytes.
import type { DiskTruth, Image } from "../world/truth.ts";

export interface MadeDisk extends DiskTruth {
  readonly bytes: Uint8Array;
}

export function madeDisk(serialNumber: string, bytes = new Uint8Array(64 * 1024)): MadeDisk {
  return {
    serialNumber,
    sizeBytes: bytes.length,
    name: "sda",
    bytes,
    peek: (offset, length) => bytes.slice(offset, offset + length),
    holds: (offset, held) =>
      Buffer.compare(bytes.subarray(offset, offset + held.length), held) === 0,
    isZero: (offset, length) => bytes.subarray(offset, offset + length).every((byte) => byte === 0),
    keeps(offset, held) {
      return this.unflushedBytes === 0 && this.holds(offset, held);
    },
    unflushedBytes: 0,
    system: undefined,
  };
}

/** With a boot record, as a system leaves it. */
export function usedDisk(serialNumber: string): MadeDisk {
  const disk = madeDisk(serialNumber);
  disk.bytes.set([0x55, 0xaa], 510);
  return disk;
}

export function madeImage(name: string, fill: number): Image {
  const bytes = new Uint8Array(256 * 1024).fill(fill);
  return { name, url: `http://images.example/${name}.raw`, bytes };
}

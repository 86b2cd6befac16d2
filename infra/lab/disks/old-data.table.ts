// Where the old data of a disk stands that a host had before us: marks at every place where a boot
// sector, a file system, a volume manager or a RAID keeps its signature, and in between.

const kib = 1024;
const mib = 1024 * kib;

export interface OldDataPlace {
  readonly name: string;
  /** In bytes from the start of the disk, or from its end when negative. */
  readonly offset: number;
}

/** Places that a GUID partition table with 128 entries leaves free; partitions start at 1 MiB. */
export const oldDataPlaces: readonly OldDataPlace[] = [
  { name: "boot code", offset: 0 },
  { name: "ISO 9660, JFS", offset: 32 * kib + 64 },
  { name: "ZFS uberblocks", offset: 128 * kib },
  { name: "Btrfs, ReiserFS, GFS2", offset: 64 * kib + 256 },
  { name: "second ZFS label", offset: 256 * kib },
  { name: "end of the first MiB", offset: mib - kib },
  { name: "last MiB", offset: -mib },
  { name: "third ZFS label", offset: -512 * kib },
  { name: "md 0.90", offset: -64 * kib },
  { name: "before the second partition table", offset: -18 * kib },
];

export interface OldPartition {
  readonly name: "ext4" | "LVM" | "swap";
  readonly startMiB: number;
  readonly sizeMiB: number;
}

/** The partitions of a "partitioned" disk, which has at least 512 MiB. */
export const oldPartitions: readonly OldPartition[] = [
  { name: "ext4", startMiB: 1, sizeMiB: 256 },
  { name: "LVM", startMiB: 257, sizeMiB: 128 },
  { name: "swap", startMiB: 385, sizeMiB: 64 },
];

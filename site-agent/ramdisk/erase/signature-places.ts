// Where a disk or partition can hold anything by which an operating system, a firmware or a RAID controller
// would recognise it: the places that libblkid 2.38 probes, and backup copies that it does not look at.

const kib = 1024;
const mib = 1024 * kib;
const gib = 1024 * mib;

export interface Range {
  readonly offset: number;
  readonly length: number;
}

/**
 * From the beginning: boot code, MBR, GPT (34 sectors of up to 4 KiB), every file system's superblock (the
 * farthest are UFS at 256 KiB, VMFS at 1 and 2 MiB, UDF's anchor at sector 256), LVM, bcache, ZFS labels 0 and
 * 1 (512 KiB), md 1.1 and 1.2, LUKS and its second header, the farthest of all at 4 MiB.
 */
const headBytes = 5 * mib;
/**
 * Before the end: backup GPT, md 0.90 and 1.0, ZFS labels 2 and 3, NILFS2, DRBD, firmware RAID (Promise is the
 * farthest, 3087 sectors).
 */
const tailBytes = 2 * mib;
/** Copies in the middle: btrfs at 64 MiB and 256 GiB, Ceph BlueStore labels at 1, 10, 100 and 1000 GiB. */
const copies = [64 * mib, gib, 10 * gib, 100 * gib, 256 * gib, 1000 * gib];
const copyBytes = 64 * kib;

/** Ranges within a device of this size, ascending, not overlapping. */
export function signaturePlaces(sizeBytes: number): readonly Range[] {
  const wanted = [
    { offset: 0, length: headBytes },
    ...copies.map((offset) => ({ offset, length: copyBytes })),
    { offset: Math.max(0, sizeBytes - tailBytes), length: tailBytes },
  ];
  return mergeRanges(wanted.map((range) => cut(range, sizeBytes)));
}

function cut({ offset, length }: Range, sizeBytes: number): Range {
  return { offset, length: Math.max(0, Math.min(length, sizeBytes - offset)) };
}

/** The same bytes as ranges in ascending order, without overlap; empty ranges vanish. */
export function mergeRanges(ranges: readonly Range[]): readonly Range[] {
  const merged: { offset: number; length: number }[] = [];
  for (const { offset, length } of ranges.toSorted((a, b) => a.offset - b.offset)) {
    const last = merged.at(-1);
    if (length <= 0) continue;
    if (last !== undefined && offset <= last.offset + last.length) {
      last.length = Math.max(last.length, offset + length - last.offset);
    } else {
      merged.push({ offset, length });
    }
  }
  return merged;
}

// Former content for a lab's disks, as machines bring it that had another life: random bytes all over, or old
// partitions with a file system, and a text at every place where somebody might look for signatures. For
// machines that are off.
import { open } from "node:fs/promises";
import { ensureDebianPackages } from "../../preparation/debian-packages.ts";
import type { Progress } from "../../preparation/progress.ts";
import { runProgram } from "../../preparation/run-program.ts";

const kib = 1024;
const mib = 1024 * kib;

/** Where signatures stand, from a disk's or a partition's start; beside a GPT, which ends at 17 KiB. */
const fromStart = [
  18 * kib, // hpt37x, swap and others, shifted behind the table
  32 * kib + 256, // ISO 9660
  64 * kib + 64, // btrfs
  256 * kib, // UFS, ZFS label
  512 * kib, // second ZFS label
  mib + 512, // VMFS volume; also inside the first partition
  2 * mib + 64, // VMFS
  4 * mib + 512, // the second header of LUKS2
  64 * mib + 64, // copy of btrfs
];
/** The same from the end; beside the backup GPT of 16.5 KiB. */
const fromEnd = [20 * kib, 64 * kib, 256 * kib, 512 * kib, 3087 * 512];
/** In the last sector, behind the 92 bytes that the backup GPT's header needs (UEFI 2.10, table 5.5). */
const inLastSector = 512 - 128;

export interface Planted {
  readonly path: string;
  readonly sizeBytes: number;
  /** 16 to 64 characters; stands at each of `offsets`. */
  readonly text: string;
  readonly offsets: readonly number[];
}

/** Random bytes over the whole disk. About a second for each GiB. */
export async function fillWithRandom(path: string, sizeBytes: number): Promise<void> {
  const script = `openssl enc -aes-128-ctr -nosalt -pass file:/proc/sys/kernel/random/uuid -pbkdf2 \
    -in /dev/zero 2>/dev/null | head -c "$2" | dd of="$1" bs=1M iflag=fullblock conv=notrunc status=none`;
  await runProgram("bash", ["-c", script, "bash", path, String(sizeBytes)]);
}

/**
 * GPT with two old partitions, ext4 in the first, swap in the second, a boot sector, and the text: at the
 * disk's first and last sector and at every place of signatures of disk and first partition.
 */
export async function plantOldContent(
  disk: { readonly path: string; readonly sizeBytes: number; readonly text: string },
  progress: Progress,
): Promise<Planted> {
  const { path, sizeBytes, text } = disk;
  await ensureDebianPackages(["fdisk", "e2fsprogs", "util-linux"], progress);
  const script = `
    set -eu
    printf '%s\\n' 'label: gpt' 'size=300M, name=old-root' 'size=100M, type=S, name=old-swap' |
      sfdisk --quiet --wipe=always "$1"
    mkfs.ext4 -q -F -L old-root -E offset=1048576 "$1" 300M
    dd if=/dev/zero of="$1.swap" bs=1M count=100 status=none
    mkswap --quiet --label old-swap "$1.swap"
    dd if="$1.swap" of="$1" bs=1M seek=301 conv=notrunc status=none
    rm "$1.swap"`;
  await runProgram("bash", ["-c", script, "bash", path]);
  const offsets = [
    0,
    ...fromStart,
    // A partition's own places, behind its file system's first block.
    ...fromStart.slice(1).map((offset) => mib + offset),
    ...fromEnd.map((distance) => sizeBytes - distance),
    sizeBytes - 512 + inLastSector,
  ];
  const file = await open(path, "r+");
  try {
    for (const offset of offsets)
      await file.write(Buffer.from(text, "latin1"), 0, text.length, offset);
  } finally {
    await file.close();
  }
  return { path, sizeBytes, text, offsets };
}

// What firmware and boot loader see of a disk in memory: whether anything on it would boot, and what it is. A disk
// with a damaged table, or with a write that never ended, does not boot.
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import { readGpt } from "../../shared/wire/gpt/gpt.ts";
import { protectiveType, readMbr } from "../../shared/wire/gpt/mbr.ts";

const sector = 512;
/** More than a partition table and its header take at either end (UEFI 2.10 section 5.3.1). */
const tableBytes = 64 * 1024;

/** A disk, and what lies on it. */
export interface ReadableDisk {
  readonly sizeBytes: number;
  peek(offset: number, length: number): Uint8Array;
}

/** The value says for people what boots, as "GPT, partitions root, config-2". */
export function bootableDisk(disk: ReadableDisk): Result<string, "not-bootable"> {
  const first = disk.peek(0, sector);
  if (first[510] !== 0x55 || first[511] !== 0xaa) return err("not-bootable", "no boot signature");
  const entries = readMbr(first) ?? [];
  const isGpt = entries.some(({ type }) => type === protectiveType);
  if (!isGpt) return ok(`MBR, ${entries.length} partition(s)`);
  const tables = [1, disk.sizeBytes / sector - 1].map((lba) => {
    const offset = lba === 1 ? 0 : disk.sizeBytes - tableBytes;
    return readGpt([{ offset, bytes: disk.peek(offset, tableBytes) }], lba, sector);
  });
  const [primary, backup] = tables;
  if (primary?.ok !== true) return err("not-bootable", "damaged GPT");
  if (backup?.ok !== true) return err("not-bootable", "no backup GPT at the disk's end");
  const names = primary.value.entries.map(({ name }) => name);
  return ok(`GPT, partitions ${names.join(", ")}`);
}

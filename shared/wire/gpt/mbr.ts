// The four primary entries of a master boot record (UEFI 2.10 section 5.2.1), and the protective entry of a
// GPT disk (5.2.3). Logical partitions are not read: they lie inside of their extended partition.
import { err, ok } from "../../result.ts";
import type { Result } from "../../result.ts";

export interface MbrEntry {
  /** Place in the table, 0 to 3. */
  readonly index: number;
  readonly type: number;
  readonly firstLba: number;
  readonly sectors: number;
}

const firstEntry = 446;
export const protectiveType = 0xee;
const linuxType = 0x83;
/** Addresses are 32 bits wide. */
export const mbrLimitLba = 2 ** 32;

/** The used entries; undefined when the sector is no MBR, but for example a FAT boot sector or nothing. */
export function readMbr(sector: Uint8Array): MbrEntry[] | undefined {
  if (sector[510] !== 0x55 || sector[511] !== 0xaa) return undefined;
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  const entries: MbrEntry[] = [];
  for (let index = 0; index < 4; index += 1) {
    const at = firstEntry + 16 * index;
    const type = view.getUint8(at + 4);
    const status = view.getUint8(at);
    if (type === 0) continue;
    // Boot code of a filesystem lies here when there is no table: no partition has such a status.
    if (status !== 0 && status !== 0x80) return undefined;
    const firstLba = view.getUint32(at + 8, true);
    const sectors = view.getUint32(at + 12, true);
    if (firstLba === 0 || sectors === 0) return undefined;
    entries.push({ index, type, firstLba, sectors });
  }
  return entries.length === 0 ? undefined : entries;
}

/** The sector with one primary partition more, in the first free place. */
export function withPrimary(
  sector: Uint8Array,
  entries: readonly MbrEntry[],
  place: { firstLba: number; sectors: number },
): Result<Uint8Array, "full"> {
  const index = [0, 1, 2, 3].find((free) => entries.every((entry) => entry.index !== free));
  if (index === undefined) {
    return err("full", "The image's MBR has four primary partitions; use a GPT image");
  }
  return ok(withEntry(sector, { index, type: linuxType, ...place }));
}

/** The sector with its only entry, the protective one, over the whole disk; unchanged for a hybrid MBR. */
export function withProtectiveSize(sector: Uint8Array, diskSectors: number): Uint8Array {
  const entries = readMbr(sector);
  const only = entries?.[0];
  if (entries?.length !== 1 || only?.type !== protectiveType) return sector;
  const sectors = Math.min(diskSectors - only.firstLba, mbrLimitLba - 1);
  return withEntry(sector, { ...only, sectors });
}

function withEntry(sector: Uint8Array, entry: MbrEntry): Uint8Array {
  const bytes = sector.slice();
  const view = new DataView(bytes.buffer);
  const at = firstEntry + 16 * entry.index;
  // No CHS address reaches so far: FE FF FF, as every tool writes. The protective entry keeps its own start.
  if (entry.type !== protectiveType) bytes.set([0, 0xfe, 0xff, 0xff], at);
  bytes[at + 4] = entry.type;
  bytes.set(entry.type === protectiveType ? [0xff, 0xff, 0xff] : [0xfe, 0xff, 0xff], at + 5);
  view.setUint32(at + 8, entry.firstLba, true);
  view.setUint32(at + 12, entry.sectors, true);
  return bytes;
}

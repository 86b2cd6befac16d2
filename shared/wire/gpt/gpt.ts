// GUID partition tables as bytes (UEFI 2.10 section 5.3): reads and checks headers and entries, and builds
// them. Deciding where things go is in disk-layout.ts.
import { err, ok, quote } from "../../result.ts";
import type { Result } from "../../result.ts";
import { crc32 } from "./crc32.ts";
import { bytesAt } from "./disk-pieces.ts";
import type { DiskGeometry, DiskPiece } from "./disk-pieces.ts";

export interface GptHeader {
  /** The header's bytes as read, without the rest of its sector: fields that we do not know stay. */
  readonly raw: Uint8Array;
  readonly myLba: number;
  readonly alternateLba: number;
  readonly firstUsableLba: number;
  readonly lastUsableLba: number;
  readonly entriesLba: number;
  readonly entryCount: number;
  readonly entryBytes: number;
  readonly entriesCrc: number;
}

export interface GptEntry {
  /** Place in the table, from 0. */
  readonly index: number;
  readonly firstLba: number;
  /** Inclusive. */
  readonly lastLba: number;
  readonly name: string;
}

export interface Gpt {
  readonly header: GptHeader;
  /** The whole entry array. */
  readonly table: Uint8Array;
  /** Used entries in the table's order. */
  readonly entries: readonly GptEntry[];
}

const signature = "EFI PART";
/** Far above what any tool makes (128 entries of 128 bytes): the bound on what is read. */
const maxTableBytes = 256 * 1024;

export function hasGptSignature(pieces: readonly DiskPiece[], offset: number): boolean {
  const bytes = bytesAt(pieces, offset, signature.length);
  return bytes !== undefined && String.fromCharCode(...bytes) === signature;
}

/**
 * The table whose header is at `lba` (1: primary; a disk's last sector: backup), with every check of section
 * 5.3.2 and that partitions are inside of the usable range and apart from each other. Error "corrupt" tells
 * what is wrong.
 */
export function readGpt(
  pieces: readonly DiskPiece[],
  lba: number,
  sectorBytes: number,
): Result<Gpt, "corrupt"> {
  const sector = bytesAt(pieces, lba * sectorBytes, sectorBytes);
  if (sector === undefined)
    return err("corrupt", `The GPT header at sector ${lba} is out of reach`);
  const header = readHeader(sector, lba);
  if (!header.ok) return header;
  const { entriesLba, entryCount, entryBytes, entriesCrc } = header.value;
  const table = bytesAt(pieces, entriesLba * sectorBytes, entryCount * entryBytes);
  if (table === undefined) {
    return err("corrupt", `The GPT entries at sector ${entriesLba} are out of reach`);
  }
  if (crc32(table) !== entriesCrc) {
    return err("corrupt", `The GPT entries at sector ${entriesLba} have a wrong checksum`);
  }
  const entries = readEntries(table, entryBytes);
  const wrong = findMisplaced(entries, header.value);
  if (wrong !== undefined) return err("corrupt", wrong);
  return ok({ header: header.value, table, entries });
}

function readHeader(sector: Uint8Array, lba: number): Result<GptHeader, "corrupt"> {
  const bad = (what: string) => err("corrupt", `The GPT header at sector ${lba} has ${what}`);
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  if (!hasGptSignature([{ offset: 0, bytes: sector }], 0)) return bad("no signature");
  const headerBytes = view.getUint32(12, true);
  if (headerBytes < 92 || headerBytes > sector.length) return bad(`a size of ${headerBytes} bytes`);
  const raw = new Uint8Array(sector.subarray(0, headerBytes));
  if (headerCrc(raw) !== view.getUint32(16, true)) return bad("a wrong checksum");
  const header = {
    raw,
    myLba: readLba(view, 24),
    alternateLba: readLba(view, 32),
    firstUsableLba: readLba(view, 40),
    lastUsableLba: readLba(view, 48),
    entriesLba: readLba(view, 72),
    entryCount: view.getUint32(80, true),
    entryBytes: view.getUint32(84, true),
    entriesCrc: view.getUint32(88, true),
  };
  if (header.myLba !== lba) return bad(`the address of sector ${header.myLba}`);
  if (header.firstUsableLba > header.lastUsableLba + 1) return bad("no usable sectors");
  const { entryBytes, entryCount } = header;
  const possible = entryBytes >= 128 && entryBytes % 8 === 0 && entryCount > 0;
  if (!possible || entryCount * entryBytes > maxTableBytes) {
    return bad(`${entryCount} entries of ${entryBytes} bytes`);
  }
  return ok(header);
}

/** The checksum is computed with its own field zero. */
function headerCrc(raw: Uint8Array): number {
  const copy = new Uint8Array(raw);
  copy.fill(0, 16, 20);
  return crc32(copy);
}

/** An address above 2^53 is on no disk: as an unsafe number it fails every later comparison. */
function readLba(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

function readEntries(table: Uint8Array, entryBytes: number): GptEntry[] {
  const entries: GptEntry[] = [];
  for (let index = 0; (index + 1) * entryBytes <= table.length; index += 1) {
    const bytes = table.subarray(index * entryBytes, (index + 1) * entryBytes);
    if (bytes.subarray(0, 16).every((byte) => byte === 0)) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let name = "";
    for (let at = 56; at < 128; at += 2) {
      const unit = view.getUint16(at, true);
      if (unit === 0) break;
      name += String.fromCharCode(unit);
    }
    entries.push({ index, firstLba: readLba(view, 32), lastLba: readLba(view, 40), name });
  }
  return entries;
}

function findMisplaced(entries: readonly GptEntry[], header: GptHeader): string | undefined {
  let freeFrom = header.firstUsableLba;
  for (const entry of entries.toSorted((a, b) => a.firstLba - b.firstLba)) {
    const title = `Partition ${entry.index + 1} ${quote(entry.name)}`;
    if (entry.lastLba < entry.firstLba) return `${title} ends before it begins`;
    if (entry.firstLba < freeFrom) return `${title} overlaps what lies before it`;
    if (entry.lastLba > header.lastUsableLba) return `${title} ends after the last usable sector`;
    freeFrom = entry.lastLba + 1;
  }
  return undefined;
}

/** Sectors that an entry array takes. */
export function tableSectors(header: GptHeader, sectorBytes: number): number {
  return Math.ceil((header.entryCount * header.entryBytes) / sectorBytes);
}

/**
 * Both copies of a table for a disk of this size: primary where it was, backup in the disk's last sectors.
 * `table` replaces the entries.
 */
export function buildGpt(gpt: Gpt, table: Uint8Array, disk: DiskGeometry): DiskPiece[] {
  const { header } = gpt;
  const { sectorBytes } = disk;
  const lastLba = Math.floor(disk.diskBytes / sectorBytes) - 1;
  const backupEntriesLba = lastLba - tableSectors(header, sectorBytes);
  const shared = { lastUsableLba: backupEntriesLba - 1, entriesCrc: crc32(table) };
  const primary = { ...shared, myLba: header.myLba, alternateLba: lastLba };
  const backup = { ...shared, myLba: lastLba, alternateLba: header.myLba };
  const sectorOf = (bytes: Uint8Array): Uint8Array => {
    const sector = new Uint8Array(sectorBytes);
    sector.set(bytes);
    return sector;
  };
  const primaryHeader = buildHeader(header.raw, { ...primary, entriesLba: header.entriesLba });
  const backupHeader = buildHeader(header.raw, { ...backup, entriesLba: backupEntriesLba });
  const paddedTable = new Uint8Array(tableSectors(header, sectorBytes) * sectorBytes);
  paddedTable.set(table);
  // Backup first: whoever is interrupted in between finds the old, whole primary.
  return [
    { offset: backupEntriesLba * sectorBytes, bytes: paddedTable },
    { offset: lastLba * sectorBytes, bytes: sectorOf(backupHeader) },
    { offset: header.entriesLba * sectorBytes, bytes: paddedTable },
    { offset: header.myLba * sectorBytes, bytes: sectorOf(primaryHeader) },
  ];
}

type Placement = Pick<
  GptHeader,
  "myLba" | "alternateLba" | "lastUsableLba" | "entriesLba" | "entriesCrc"
>;

function buildHeader(raw: Uint8Array, placement: Placement): Uint8Array {
  const bytes = raw.slice();
  const view = new DataView(bytes.buffer);
  view.setBigUint64(24, BigInt(placement.myLba), true);
  view.setBigUint64(32, BigInt(placement.alternateLba), true);
  view.setBigUint64(48, BigInt(placement.lastUsableLba), true);
  view.setBigUint64(72, BigInt(placement.entriesLba), true);
  view.setUint32(88, placement.entriesCrc, true);
  view.setUint32(16, headerCrc(bytes), true);
  return bytes;
}

export interface NewPartition {
  readonly firstLba: number;
  readonly lastLba: number;
  readonly name: string;
  /** 16 bytes as they stand on the disk (the first three groups little-endian). */
  readonly typeGuid: Uint8Array;
  readonly uniqueGuid: Uint8Array;
}

/** The entry array with one partition more, in the first free place; undefined when all are used. */
export function withPartition(gpt: Gpt, partition: NewPartition): Uint8Array | undefined {
  const { entryBytes, entryCount } = gpt.header;
  const used = new Set(gpt.entries.map((entry) => entry.index));
  let free = 0;
  while (used.has(free)) free += 1;
  if (free >= entryCount) return undefined;
  const table = gpt.table.slice();
  const bytes = table.subarray(free * entryBytes, (free + 1) * entryBytes).fill(0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  bytes.set(partition.typeGuid, 0);
  bytes.set(partition.uniqueGuid, 16);
  view.setBigUint64(32, BigInt(partition.firstLba), true);
  view.setBigUint64(40, BigInt(partition.lastLba), true);
  for (let at = 0; at < Math.min(36, partition.name.length); at += 1) {
    view.setUint16(56 + 2 * at, partition.name.charCodeAt(at), true);
  }
  return table;
}

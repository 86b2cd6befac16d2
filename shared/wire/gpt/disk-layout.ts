// What remains to be done to the partition table after an image was put on a disk that is larger than it:
// backup GPT to the disk's end, and a partition for the config drive. Gives writes; does none.
import { err, ok } from "../../result.ts";
import type { Result } from "../../result.ts";
import { bytesAt } from "./disk-pieces.ts";
import type { DiskGeometry, DiskPiece } from "./disk-pieces.ts";
import { buildGpt, hasGptSignature, readGpt, tableSectors, withPartition } from "./gpt.ts";
import type { Gpt, GptEntry } from "./gpt.ts";
import { mbrLimitLba, protectiveType, readMbr, withPrimary, withProtectiveSize } from "./mbr.ts";
import type { MbrEntry } from "./mbr.ts";

export type LayoutErrorKind =
  | "corrupt" // the image's partition table is damaged
  | "sector-size" // the image was made for another sector size than the disk's
  | "too-small" // the disk cannot hold table and partitions
  | "no-room"; // no place for a config drive

export interface LayoutRequest {
  /** What is known of the disk as the image leaves it; the first MiB at least, and that of the image's end. */
  readonly pieces: readonly DiskPiece[];
  readonly disk: DiskGeometry;
  /** Absent: no config drive. */
  readonly configDrive?: {
    readonly bytes: number;
    /** 16 random bytes, the partition's GUID as it stands on the disk. */
    readonly uniqueGuid: Uint8Array;
  };
}

export interface DiskLayout {
  readonly table: "gpt" | "mbr" | "none";
  /** In the order in which they must be written. */
  readonly writes: readonly DiskPiece[];
  /** Where the config drive's bytes go; zero the rest of the range. */
  readonly configDrive?: { readonly offset: number; readonly length: number };
}

const configDriveName = "config-2";
/** Linux filesystem data, 0FC63DAF-8483-4772-8E79-3D69D8477DE4, as it stands on a disk. */
const linuxGuid = new Uint8Array([
  0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4,
]);
const alignBytes = 1024 * 1024;

/** Reads the image's table and says what to write. Call it before the first destructive byte, too. */
export function planDiskLayout(request: LayoutRequest): Result<DiskLayout, LayoutErrorKind> {
  const { pieces, disk } = request;
  const other = disk.sectorBytes === 512 ? 4096 : 512;
  const sector = bytesAt(pieces, 0, 512) ?? new Uint8Array(512);
  const entries = readMbr(sector);
  // A GPT counts only behind a protective entry; elsewhere it is left over from an older layout.
  const shadowed = entries?.every((entry) => entry.type !== protectiveType) ?? false;
  if (shadowed && entries !== undefined) return planMbr(request, sector, entries);
  if (hasGptSignature(pieces, disk.sectorBytes)) return planGpt(request, sector);
  if (hasGptSignature(pieces, other)) {
    return err(
      "sector-size",
      `The image is made for sectors of ${other} bytes and the disk has ${disk.sectorBytes}; ` +
        "use an image for this sector size or another disk",
    );
  }
  if (entries === undefined) return planWithoutTable(request);
  return err("corrupt", "The image's MBR announces a GPT, and there is none; check the image");
}

function planWithoutTable(request: LayoutRequest): Result<DiskLayout, LayoutErrorKind> {
  if (request.configDrive === undefined) return ok({ table: "none", writes: [] });
  return err(
    "no-room",
    "The image has no partition table to which a config drive could be added; " +
      "use a partitioned image or remove userData, networkData and metaData",
  );
}

function planGpt(request: LayoutRequest, mbr: Uint8Array): Result<DiskLayout, LayoutErrorKind> {
  const { pieces, disk } = request;
  const read = readGpt(pieces, 1, disk.sectorBytes);
  if (!read.ok) return read;
  const gpt = read.value;
  const lastUsable = lastUsableLba(gpt, disk);
  const highest = Math.max(gpt.header.firstUsableLba - 1, ...gpt.entries.map((e) => e.lastLba));
  if (highest > lastUsable) {
    const need = (highest - lastUsable) * disk.sectorBytes;
    return err("too-small", `The disk is ${need} bytes too small for the image's partitions`);
  }
  const drive = placeInGpt(request, gpt, { highest, lastUsable });
  if (!drive.ok) return drive;
  const diskSectors = Math.floor(disk.diskBytes / disk.sectorBytes);
  const writes = [
    ...oldBackup(gpt, disk),
    ...buildGpt(gpt, drive.value.table, disk),
    { offset: 0, bytes: withProtectiveSize(mbr, diskSectors) },
  ];
  const { range } = drive.value;
  return ok({ table: "gpt", writes, ...(range === undefined ? {} : { configDrive: range }) });
}

function lastUsableLba(gpt: Gpt, disk: DiskGeometry): number {
  const sectors = Math.floor(disk.diskBytes / disk.sectorBytes);
  return sectors - 2 - tableSectors(gpt.header, disk.sectorBytes);
}

/** Zeros over the backup header that the image brought, when it is now in free space. */
function oldBackup(gpt: Gpt, disk: DiskGeometry): DiskPiece[] {
  const lba = gpt.header.alternateLba;
  const free = lba > gpt.header.lastUsableLba && lba <= lastUsableLba(gpt, disk);
  return free ? [{ offset: lba * disk.sectorBytes, bytes: new Uint8Array(disk.sectorBytes) }] : [];
}

interface GptPlace {
  readonly table: Uint8Array;
  readonly range?: { readonly offset: number; readonly length: number };
}

function placeInGpt(
  request: LayoutRequest,
  gpt: Gpt,
  free: { highest: number; lastUsable: number },
): Result<GptPlace, "no-room"> {
  const { configDrive, disk } = request;
  if (configDrive === undefined) return ok({ table: gpt.table });
  const existing = gpt.entries.find((entry) => entry.name.toLowerCase() === configDriveName);
  if (existing !== undefined) return reuse(existing, gpt, request);
  const place = placeAtEnd(configDrive.bytes, disk, {
    first: free.highest + 1,
    last: free.lastUsable,
  });
  if (!place.ok) return place;
  const { firstLba, lastLba } = place.value;
  const table = withPartition(gpt, {
    firstLba,
    lastLba,
    name: configDriveName,
    typeGuid: linuxGuid,
    uniqueGuid: configDrive.uniqueGuid,
  });
  if (table === undefined) return err("no-room", "The image's GPT has no free entry");
  return ok({ table, range: toBytes(firstLba, lastLba, disk.sectorBytes) });
}

/** An image that brings its own place for a config drive: a second one would race with it at boot. */
function reuse(entry: GptEntry, gpt: Gpt, request: LayoutRequest): Result<GptPlace, "no-room"> {
  const range = toBytes(entry.firstLba, entry.lastLba, request.disk.sectorBytes);
  if (range.length >= (request.configDrive?.bytes ?? 0)) return ok({ table: gpt.table, range });
  const need = request.configDrive?.bytes ?? 0;
  return err(
    "no-room",
    `The image's own partition ${configDriveName} has ${range.length} bytes and the config drive ` +
      `needs ${need}; make it larger or remove it from the image`,
  );
}

function planMbr(
  request: LayoutRequest,
  sector: Uint8Array,
  entries: readonly MbrEntry[],
): Result<DiskLayout, LayoutErrorKind> {
  const { configDrive, disk } = request;
  const diskSectors = Math.floor(disk.diskBytes / disk.sectorBytes);
  const end = Math.max(...entries.map((entry) => entry.firstLba + entry.sectors));
  if (end > diskSectors) {
    const need = (end - diskSectors) * disk.sectorBytes;
    return err("too-small", `The disk is ${need} bytes too small for the image's partitions`);
  }
  if (configDrive === undefined) return ok({ table: "mbr", writes: [] });
  const last = Math.min(diskSectors, mbrLimitLba) - 1;
  const place = placeAtEnd(configDrive.bytes, disk, { first: end, last });
  if (!place.ok) return place;
  const { firstLba, lastLba } = place.value;
  const added = withPrimary(sector, entries, { firstLba, sectors: lastLba - firstLba + 1 });
  if (!added.ok) return err("no-room", added.error.message);
  return ok({
    table: "mbr",
    writes: [{ offset: 0, bytes: added.value }],
    configDrive: toBytes(firstLba, lastLba, disk.sectorBytes),
  });
}

/** The last whole MiBs of the free range that hold so many bytes: the image's own last partition can grow. */
function placeAtEnd(
  bytes: number,
  disk: DiskGeometry,
  free: { first: number; last: number },
): Result<{ firstLba: number; lastLba: number }, "no-room"> {
  const align = alignBytes / disk.sectorBytes;
  const sectors = Math.max(1, Math.ceil(bytes / alignBytes)) * align;
  const end = free.last + 1 - ((free.last + 1) % align);
  const firstLba = end - sectors;
  if (firstLba >= free.first) return ok({ firstLba, lastLba: end - 1 });
  return err(
    "no-room",
    `No free place for a config drive of ${bytes} bytes at the disk's end; use a larger disk or a smaller image`,
  );
}

function toBytes(firstLba: number, lastLba: number, sectorBytes: number) {
  return { offset: firstLba * sectorBytes, length: (lastLba - firstLba + 1) * sectorBytes };
}

// The end of a write: everything that makes the disk bootable, in the order in which a cut leaves it
// unbootable. Tail, config drive, backup table, flush; then the first MiB without its first sector, flush; last the
// first sector, which a disk writes whole or not at all: without it no firmware finds a boot record or a table.
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import { planDiskLayout } from "../../../shared/wire/gpt/disk-layout.ts";
import type { DiskLayout } from "../../../shared/wire/gpt/disk-layout.ts";
import { applyWrites } from "../../../shared/wire/gpt/disk-pieces.ts";
import type { DiskGeometry, DiskPiece } from "../../../shared/wire/gpt/disk-pieces.ts";
import type { Disk } from "../ports.ts";

export type FinishError = "too-small" | "unsupported" | "io";

export interface FinishRequest {
  readonly disk: Disk;
  /** First and last MiB of the image, first of them at offset 0. */
  readonly withheld: readonly DiskPiece[];
  /** An ISO 9660 image. */
  readonly configDrive: Uint8Array | undefined;
  /** 16 random bytes: the GUID of the config drive's partition. */
  readonly uniqueGuid: Uint8Array;
}

/** Returns the first MiB as it stands on the disk. */
export async function finishDisk(request: FinishRequest): Promise<Result<DiskPiece, FinishError>> {
  const { disk, withheld, configDrive } = request;
  const [head, ...others] = withheld;
  const geometry = geometryOf(disk);
  if (head === undefined || geometry === undefined) {
    return err("unsupported", `Disks with sectors of ${disk.sectorBytes} bytes are not supported`);
  }
  const planned = plan(request, geometry);
  if (!planned.ok) return planned;
  const { writes, configDrive: place } = planned.value;
  const tail = await writeAndFlush(disk, others);
  if (!tail.ok) return tail;
  if (configDrive !== undefined && place !== undefined) {
    const zeroed = await disk.zero(place.offset, place.length);
    if (!zeroed.ok) return err("io", zeroed.error.message);
    const drive = await writeAndFlush(disk, [{ offset: place.offset, bytes: configDrive }]);
    if (!drive.ok) return drive;
  }
  const inHead = (piece: DiskPiece): boolean =>
    piece.offset + piece.bytes.length <= head.bytes.length;
  const first = { offset: 0, bytes: head.bytes.slice() };
  applyWrites([first], writes);
  const outside = writes.filter((piece) => !inHead(piece));
  for (const pieces of [outside, ...firstSectorLast(first, geometry.sectorBytes)]) {
    const written = await writeAndFlush(disk, pieces);
    if (!written.ok) return written;
  }
  return ok(first);
}

function firstSectorLast(first: DiskPiece, sectorBytes: number): readonly (readonly DiskPiece[])[] {
  const rest = { offset: sectorBytes, bytes: first.bytes.subarray(sectorBytes) };
  return [[rest], [{ offset: 0, bytes: first.bytes.subarray(0, sectorBytes) }]];
}

function geometryOf(disk: Disk): DiskGeometry | undefined {
  const { sizeBytes: diskBytes, sectorBytes } = disk;
  return sectorBytes === 512 || sectorBytes === 4096 ? { diskBytes, sectorBytes } : undefined;
}

function plan(
  { withheld, configDrive, uniqueGuid }: FinishRequest,
  disk: DiskGeometry,
): Result<DiskLayout, FinishError> {
  const planned = planDiskLayout({
    pieces: withheld,
    disk,
    ...(configDrive === undefined
      ? {}
      : { configDrive: { bytes: configDrive.length, uniqueGuid } }),
  });
  if (planned.ok) return planned;
  const { kind, message } = planned.error;
  return err(kind === "too-small" || kind === "no-room" ? "too-small" : "unsupported", message);
}

async function writeAndFlush(
  disk: Disk,
  pieces: readonly DiskPiece[],
): Promise<Result<void, "io">> {
  for (const { offset, bytes } of pieces) {
    const written = await disk.write(offset, bytes);
    if (!written.ok) return err("io", written.error.message);
  }
  const flushed = await disk.flush();
  return flushed.ok ? ok(undefined) : err("io", flushed.error.message);
}

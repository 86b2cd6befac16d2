// Finds out what the source file is and opens the disk in it, as early as the first bytes allow.
import { ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import { readQcow2Header } from "../../../shared/wire/qcow2/qcow2-header.ts";
import type { Compression } from "../../ports.ts";
import type { ImageErrorKind } from "../port.ts";
import type { SourceFile } from "../source/download.ts";
import type { Ranges } from "../source/ranges.ts";
import type { Spool } from "../source/spool.ts";
import type { DiskReader, ImageFile } from "./disk-reader.ts";
import { findFormat, formatBytes } from "./image-format.ts";
import type { ImageFormat } from "./image-format.ts";
import { makeQcow2Disk } from "./qcow2-disk.ts";
import { makeRawDisk } from "./raw-disk.ts";

export interface DiskSource {
  readonly file: SourceFile;
  readonly spool: Spool;
  readonly ranges: Ranges;
  readonly said: ImageFormat | undefined;
}

export async function openDisk(
  tools: { readonly compression: Compression; readonly maxVirtualBytes: number },
  { file, spool, ranges, said }: DiskSource,
): Promise<Result<{ disk: DiskReader; format: ImageFormat }, ImageErrorKind>> {
  const start = await spool.read(0, formatBytes);
  if (!start.ok) return start;
  const format = findFormat(start.value, said);
  if (!format.ok) return format;
  if (format.value === "raw") {
    // Without an announced length the disk's size is known at the end only.
    const bytes = file.totalBytes === undefined ? await spool.wholeBytes() : ok(file.totalBytes);
    if (!bytes.ok) return bytes;
    return ok({ disk: makeRawDisk(spool, bytes.value), format: "raw" });
  }
  const header = readQcow2Header(start.value, tools.maxVirtualBytes);
  if (!header.ok) return header;
  const imageFile: ImageFile = {
    read: (offset, length) => spool.read(offset, length),
    readAhead: (offset, length) => ranges.readAhead(offset, length),
    totalBytes: file.totalBytes,
  };
  return ok({
    disk: makeQcow2Disk(header.value, imageFile, tools.compression),
    format: "qcow2",
  });
}

// A raw image: the file is the disk. A file that does not end with a whole sector is filled up with zeros.
import { ok } from "../../../shared/result.ts";
import { blockBytes } from "./disk-reader.ts";
import type { DiskReader, ImageFile } from "./disk-reader.ts";

export function makeRawDisk(file: Pick<ImageFile, "read">, fileBytes: number): DiskReader {
  const virtualBytes = Math.ceil(fileBytes / 512) * 512;
  return {
    virtualBytes,
    async read(offset) {
      const inFile = Math.min(blockBytes, fileBytes - offset);
      const read = await file.read(offset, inFile);
      if (!read.ok) return read;
      const length = Math.min(blockBytes, virtualBytes - offset);
      if (read.value.length === length) return ok({ kind: "data", bytes: read.value });
      const bytes = new Uint8Array(length);
      bytes.set(read.value);
      return ok({ kind: "data", bytes });
    },
  };
}

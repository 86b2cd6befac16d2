// What a decoder offers: the disk that an image file describes, read from its beginning to its end.
import type { Result } from "../../../shared/result.ts";
import type { ImageErrorKind } from "../port.ts";

/** Unit in which disks are read; data never cross a border of it. */
export const blockBytes = 1024 * 1024;

export type Block =
  /** Whole blocks of zero, or all zeros to the disk's end. */
  | { readonly kind: "zero"; readonly length: number }
  /** One block, shorter only at the disk's end. May hold zeros. */
  | { readonly kind: "data"; readonly bytes: Uint8Array };

export interface DiskReader {
  /** A multiple of 512. */
  readonly virtualBytes: number;
  /** `offset` is a multiple of the block size. Waits for the source; ask in ascending order. */
  read(offset: number): Promise<Result<Block, ImageErrorKind>>;
}

/** The image file as decoders see it. Both give fewer bytes only at the file's end. */
export interface ImageFile {
  /** Waits until the download has brought the bytes. */
  read(offset: number, length: number): Promise<Result<Uint8Array, ImageErrorKind>>;
  /** May ask the server for this part at once. */
  readAhead(offset: number, length: number): Promise<Result<Uint8Array, ImageErrorKind>>;
  /** When the server said it. */
  readonly totalBytes: number | undefined;
}

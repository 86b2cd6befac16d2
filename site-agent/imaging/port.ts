// What the provision operation may ask of imaging: an image as a verified extent stream, fetched once per
// site however many hosts want it.
import type { Progress } from "../../shared/protocol/ramdisk.ts";
import type { Result } from "../../shared/result.ts";

export interface ImageSource {
  readonly url: string;
  /** A digest in hex, or the URL of a checksum file. */
  readonly checksum: string;
  readonly checksumType: "md5" | "sha256" | "sha512" | "auto";
  /** Absent: found out from the first bytes (qcow2 magic, else raw). */
  readonly format?: "raw" | "qcow2";
}

export type ImageErrorKind =
  | "address" // not a URL that this site may fetch
  | "not-found" // 404 and the like; the message says what the server answered
  | "unreachable"
  | "checksum" // the bytes are not those that were promised
  | "changed" // the server changed the image in the middle of the download
  | "format" // not an image that we can read, or one that refers to other files
  | "no-space"
  | "aborted";

export interface OpenImage {
  /** Size of the disk that the image describes. Known before the first extent. */
  readonly virtualBytes: number;
  /** Bytes that are not zero, when known. */
  readonly dataBytes: number | undefined;
  /**
   * The extent stream (shared/protocol/extent-stream.ts), head withheld: extents of the first MiB and of the
   * last MiB of the image come last, after the checksum of the source has been verified. A failure ends the
   * stream with its failure frame. Pull-driven.
   */
  frames(): AsyncIterable<Uint8Array>;
  /** The content's identity, once the whole source was read and its checksum agreed. */
  readonly verified: Promise<Result<{ contentDigest: string }, ImageErrorKind>>;
  /** Gives up one interest in the image; the fetch stops when nobody is interested. */
  release(): void;
}

export interface Images {
  open(
    source: ImageSource,
    onProgress: (progress: Progress) => void,
    signal: AbortSignal,
  ): Promise<Result<OpenImage, ImageErrorKind>>;
}

// What an image file is, by its first bytes, against what the user said it is. Content decides: a file that
// is said to be raw and is something else is refused, never converted (CVE-2024-44082) and never written.
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import { isQcow2 } from "../../../shared/wire/qcow2/qcow2-header.ts";

export type ImageFormat = "raw" | "qcow2";

/** So many bytes from the start are enough. */
export const formatBytes = 512;

/** Formats that are recognised only to be refused: written as they are, they make no disk. */
const others: readonly { readonly name: string; readonly at: number; readonly magic: string }[] = [
  { name: "gzip-compressed", at: 0, magic: "\x1f\x8b" },
  { name: "xz-compressed", at: 0, magic: "\xfd7zXZ\0" },
  { name: "zstd-compressed", at: 0, magic: "\x28\xb5\x2f\xfd" },
  { name: "bzip2-compressed", at: 0, magic: "BZh" },
  { name: "a zip archive", at: 0, magic: "PK\x03\x04" },
  { name: "a tar archive", at: 257, magic: "ustar" },
  { name: "a VMDK image", at: 0, magic: "KDMV" },
  { name: "a VMDK image", at: 0, magic: "COWD" },
  { name: "a VMDK descriptor", at: 0, magic: "# Disk DescriptorFile" },
  { name: "a VHD image", at: 0, magic: "conectix" },
  { name: "a VHDX image", at: 0, magic: "vhdxfile" },
  { name: "a VDI image", at: 64, magic: "\x7f\x10\xda\xbe" },
  { name: "a QED image", at: 0, magic: "QED\0" },
  { name: "a web page", at: 0, magic: "<!doctype html" },
  { name: "a web page", at: 0, magic: "<html" },
];

export function findFormat(
  start: Uint8Array,
  said: ImageFormat | undefined,
): Result<ImageFormat, "format"> {
  const latin = String.fromCharCode(...start.subarray(0, formatBytes)).toLowerCase();
  const other = others.find(({ at, magic }) => latin.startsWith(magic.toLowerCase(), at));
  if (other !== undefined) {
    return err("format", `The image is ${other.name}; give a raw or qcow2 image`);
  }
  const format = isQcow2(start) ? "qcow2" : "raw";
  return said === undefined || said === format ? ok(format) : formatMismatch(said, format);
}

export function formatMismatch(said: ImageFormat, format: ImageFormat): Result<never, "format"> {
  return err(
    "format",
    `spec.image.format says ${said} and the image is ${format}; correct the format or the URL`,
  );
}

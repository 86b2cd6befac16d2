// An operating system image in the formats that hosts are deployed from, with its digests.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../../preparation/run-program.ts";

export interface ImageFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface OperatingSystemImage {
  /** What a disk holds from its first byte on when it was deployed from this image. */
  readonly raw: ImageFile;
  /** Compressed with zlib, as most published images are. */
  readonly qcow2: ImageFile;
  /** The same, compressed with zstd. */
  readonly qcow2Zstd: ImageFile;
  /** Size of the disk that the formats describe; `raw.bytes`. */
  readonly virtualBytes: number;
}

const formats = ["raw", "qcow2", "qcow2Zstd"] as const;
type Facts = Record<(typeof formats)[number], Omit<ImageFile, "path"> & { readonly name: string }>;

/** Converts `image.raw` of a folder and writes down what is there, for describeImage. */
export async function finishImage(directory: string): Promise<void> {
  const raw = join(directory, "image.raw");
  const convert = async (name: string, options: readonly string[]): Promise<void> => {
    const source = ["convert", "-f", "raw", "-O", "qcow2", "-c", ...options, raw];
    await runProgram("qemu-img", [...source, join(directory, name)]);
  };
  await convert("image.qcow2", []);
  await convert("image-zstd.qcow2", ["-o", "compression_type=zstd"]);
  const facts: Facts = {
    raw: await measure(directory, "image.raw"),
    qcow2: await measure(directory, "image.qcow2"),
    qcow2Zstd: await measure(directory, "image-zstd.qcow2"),
  };
  await writeFile(join(directory, "image.json"), JSON.stringify(facts, null, 2));
}

async function measure(directory: string, name: string): Promise<Facts["raw"]> {
  const path = join(directory, name);
  const hash = createHash("sha256");
  for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    hash.update(part as Buffer);
  }
  return { name, bytes: (await stat(path)).size, sha256: hash.digest("hex") };
}

export async function describeImage(directory: string): Promise<OperatingSystemImage> {
  const facts = JSON.parse(await readFile(join(directory, "image.json"), "utf8")) as Facts;
  const file = ({ name, bytes, sha256 }: Facts["raw"]): ImageFile => ({
    path: join(directory, name),
    bytes,
    sha256,
  });
  return {
    raw: file(facts.raw),
    qcow2: file(facts.qcow2),
    qcow2Zstd: file(facts.qcow2Zstd),
    virtualBytes: facts.raw.bytes,
  };
}

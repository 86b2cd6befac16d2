// Makes a disk look used: a previous owner's partitions, file system, volumes and RAID, with marks
// that a search finds wherever they are; and reads from outside what of it is still there. Only for
// machines that are off.

import { mkdtemp, open, rm, stat, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram, tryProgram } from "../../preparation/run-program.ts";
import { oldDataPlaces, oldPartitions } from "./old-data.table.ts";
import type { OldDataPlace } from "./old-data.table.ts";
import { lvmLabel, mdMember, swapHeader } from "./old-signatures.ts";

/** Debian packages that this needs. */
export const oldDataPackages: readonly string[] = ["e2fsprogs", "fdisk", "util-linux"];

/**
 * "partitioned": a GPT with an ext4, an LVM and a swap partition. "whole-disk": an ext4 file system
 * without partitions, on a disk that was a RAID member (md 1.0, at its end).
 */
export type OldDataKind = "partitioned" | "whole-disk";

export interface OldDataFound {
  /** Marks that are left, by place, sorted; a mark in a file is "file". */
  readonly marks: readonly string[];
  /** What libblkid still recognises: `gpt at 512`, `ext4 in partition 1`, sorted. */
  readonly signatures: readonly string[];
}

const mib = 1024 * 1024;
const markStart = "<<farrier old data: ";
const markEnd = ">>";

/** Writes old data onto the raw file, whose other bytes stay as they are. */
export async function plantOldData(path: string, kind: OldDataKind): Promise<void> {
  const { size } = await stat(path);
  if (kind === "partitioned") await plantPartitions(path);
  else await plantWholeDisk(path, size);
  const file = await open(path, "r+");
  try {
    const places =
      kind === "partitioned" ? [...oldDataPlaces, ...insidePartitions()] : wholeDiskPlaces;
    for (const place of places) await writeMark(file, size, place);
  } finally {
    await file.close();
  }
}

async function plantPartitions(path: string): Promise<void> {
  const lines = oldPartitions.map(
    ({ startMiB, sizeMiB }) => `start=${startMiB * 2048}, size=${sizeMiB * 2048}`,
  );
  await runProgram("sfdisk", ["--quiet", "--wipe=never", path], {
    input: `label: gpt\n${lines.join("\n")}\n`,
  });
  for (const { name, startMiB, sizeMiB } of oldPartitions) {
    if (name === "ext4") await makeExt4(path, startMiB * mib, sizeMiB * mib);
    else if (name === "LVM") await writeAt(path, startMiB * mib + 512, lvmLabel());
    else await writeAt(path, startMiB * mib, swapHeader());
  }
}

async function plantWholeDisk(path: string, size: number): Promise<void> {
  const raid = mdMember(size);
  await makeExt4(path, 0, Math.floor(size / mib) * mib - mib);
  await writeAt(path, raid.offset, raid.bytes);
}

// Behind the file system's data, which starts at the front of what it has.
function insidePartitions(): OldDataPlace[] {
  return oldPartitions.map(({ name, startMiB, sizeMiB }) => ({
    name: `end of the ${name} partition`,
    offset: (startMiB + sizeMiB) * mib - 4096,
  }));
}

// The first KiB belongs to nobody in ext4; its last blocks are free.
const wholeDiskPlaces: readonly OldDataPlace[] = [
  { name: "boot code", offset: 0 },
  { name: "last MiB", offset: -mib },
  { name: "md 0.90", offset: -64 * 1024 },
  { name: "last sector", offset: -512 },
];

async function makeExt4(path: string, offset: number, bytes: number): Promise<void> {
  const tree = await mkdtemp(join(tmpdir(), "farrier-old-"));
  try {
    await writeFile(join(tree, "secret.txt"), mark("file").repeat(200));
    const where = ["-E", `offset=${offset},nodiscard`, "-d", tree];
    const size = `${Math.floor(bytes / 1024)}k`;
    await runProgram("mke2fs", ["-q", "-F", "-t", "ext4", ...where, path, size]);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

function mark(name: string): string {
  return `${markStart}${name}${markEnd}`;
}

async function writeMark(file: FileHandle, size: number, place: OldDataPlace): Promise<void> {
  const position = place.offset < 0 ? size + place.offset : place.offset;
  await file.write(Buffer.from(mark(place.name), "latin1"), 0, undefined, position);
}

async function writeAt(path: string, position: number, bytes: Buffer): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.write(bytes, 0, bytes.length, position);
  } finally {
    await file.close();
  }
}

/** Reads the whole raw file, about 2 GB/s. */
export async function readOldData(path: string): Promise<OldDataFound> {
  const signatures = [...(await wholeDiskSignatures(path)), ...(await partitionSignatures(path))];
  return { marks: (await findMarks(path)).toSorted(), signatures: signatures.toSorted() };
}

async function wholeDiskSignatures(path: string): Promise<string[]> {
  const wanted = ["--noheadings", "--parsable", "--output=TYPE,OFFSET", path];
  const { stdout } = await runProgram("wipefs", wanted);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [type, offset] = line.split(",");
      return `${type} at ${Number(offset)}`;
    });
}

// Asks at the places where the partitions were, whether or not a table still says so.
async function partitionSignatures(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const [index, { startMiB, sizeMiB }] of oldPartitions.entries()) {
    const place = [`--offset=${startMiB * mib}`, `--size=${sizeMiB * mib}`];
    const wanted = ["--probe", ...place, "--match-tag=TYPE", "--output=value", path];
    // 2: nothing is recognised there.
    const { code, stdout } = await tryProgram("blkid", wanted);
    if (code === 0) found.push(`${stdout.trim()} in partition ${index + 1}`);
  }
  return found;
}

async function findMarks(path: string): Promise<string[]> {
  const names = new Set<string>();
  const file = await open(path, "r");
  try {
    const longestMark = 128;
    const buffer = Buffer.alloc(4 * mib + longestMark);
    for (let offset = 0; ; offset += 4 * mib) {
      // Overlapping, so that no mark is cut in two.
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      for (const name of marksIn(buffer.subarray(0, bytesRead))) names.add(name);
      if (bytesRead < buffer.length) return [...names];
    }
  } finally {
    await file.close();
  }
}

function marksIn(bytes: Buffer): string[] {
  const names: string[] = [];
  for (let at = bytes.indexOf(markStart); at >= 0; at = bytes.indexOf(markStart, at + 1)) {
    const end = bytes.indexOf(markEnd, at);
    if (end >= 0) names.push(bytes.toString("latin1", at + markStart.length, end));
  }
  return names;
}

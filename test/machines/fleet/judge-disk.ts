// Disks seen from outside, with other people's tools: whether one holds an image, and whether anything of its
// former content could still be recognised. Throws what is wrong.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Planted } from "../../../infra/lab/disks/plant-disks.ts";
import { ensureDebianPackages } from "../../../infra/preparation/debian-packages.ts";
import { silentProgress } from "../../../infra/preparation/progress.ts";
import { runProgram, tryProgram } from "../../../infra/preparation/run-program.ts";

const sectorBytes = 512;
/** Protective MBR, header and 32 sectors of entries (UEFI 2.10, section 5.3). */
const tableSectors = 34;

interface Partition {
  readonly start: number;
  readonly size: number;
  readonly type: string;
  readonly uuid: string;
  readonly name?: string;
}

async function partitionsOf(path: string): Promise<readonly Partition[]> {
  const { stdout } = await runProgram("sfdisk", ["--json", path]);
  const { partitiontable } = JSON.parse(stdout) as {
    partitiontable: { partitions: readonly Partition[] };
  };
  return partitiontable.partitions.map(({ start, size, type, uuid, name = "" }) => ({
    start,
    size,
    type,
    uuid,
    name,
  }));
}

/**
 * The disk holds the raw image, byte for byte over its whole size. Apart from that, and checked for themselves,
 * are the two tables, which belong at the two ends of this disk, and one partition for the config drive.
 */
export async function judgeDeployment(
  disk: string,
  image: { readonly path: string; readonly bytes: number },
): Promise<void> {
  await ensureDebianPackages(["gdisk", "diffutils", "fdisk", "util-linux"], silentProgress);
  const tableBytes = tableSectors * sectorBytes;
  // The image's own backup table has no first sector (MBR) in front of it.
  const contentBytes = image.bytes - tableBytes - (tableSectors - 1) * sectorBytes;
  const bootCode = ["--bytes=440", image.path, disk];
  await runProgram("cmp", bootCode);
  const content = [`--ignore-initial=${tableBytes}`, `--bytes=${contentBytes}`, image.path, disk];
  await runProgram("cmp", content);
  const { stdout: verdict } = await runProgram("sgdisk", ["--verify", disk]);
  if (!verdict.includes("No problems found")) throw new Error(`sgdisk on ${disk}: ${verdict}`);
  const [wanted, found] = await Promise.all([partitionsOf(image.path), partitionsOf(disk)]);
  const drive = found.at(-1);
  const rest = JSON.stringify(found.slice(0, -1));
  if (rest !== JSON.stringify(wanted)) throw new Error(`The image's partitions became ${rest}`);
  if (drive?.name !== "config-2" || drive.start * sectorBytes < image.bytes) {
    throw new Error(`No config drive behind the image: ${JSON.stringify(drive)}`);
  }
  const probe = ["--probe", `--offset=${drive.start * sectorBytes}`, "--output=export", disk];
  const { stdout: label } = await runProgram("blkid", probe);
  if (!label.includes("LABEL=config-2")) throw new Error(`The config drive is no such: ${label}`);
}

/** Neither signature, partition table nor planted text at the planted places, and zeros there. */
export async function judgeErased({ path, text, offsets }: Planted): Promise<void> {
  await judgeUnrecognisable(path);
  const file = await open(path, "r");
  try {
    for (const offset of offsets) {
      const { buffer } = await file.read(Buffer.alloc(text.length), 0, text.length, offset);
      if (buffer.some((byte) => byte !== 0)) {
        throw new Error(
          `${path} still holds ${JSON.stringify(buffer.toString("latin1"))} at ${offset}`,
        );
      }
    }
  } finally {
    await file.close();
  }
}

export async function judgeUnrecognisable(path: string): Promise<void> {
  await ensureDebianPackages(["gdisk", "util-linux"], silentProgress);
  const { stdout: signatures } = await runProgram("wipefs", ["--no-act", path]);
  if (signatures !== "") throw new Error(`wipefs finds on ${path}: ${signatures}`);
  const { stdout: tables } = await tryProgram("sgdisk", ["--print", path]);
  if (!/MBR: not present/.test(tables) && !tables.includes("Creating new GPT entries")) {
    throw new Error(`sgdisk finds on ${path}: ${tables}`);
  }
}

/** How often the text stands anywhere on the disk. It may be a secret: no program gets it as an argument. */
export async function countText(path: string, text: string): Promise<number> {
  const options = ["--text", "--only-matching", "--fixed-strings", "--file=-"];
  const { stdout } = await tryProgram("grep", [...options, path], { input: text });
  return stdout.split("\n").filter((line) => line !== "").length;
}

export async function digestOf(
  path: string,
  range: { readonly start?: number; readonly end?: number } = {},
): Promise<string> {
  const hash = createHash("sha256");
  const options = { ...range, highWaterMark: 1024 * 1024 };
  for await (const part of createReadStream(path, options)) hash.update(part as Buffer);
  return hash.digest("hex");
}

// sgdisk, sfdisk and fdisk judge what shared/wire/gpt writes: on disks that they partitioned themselves.
import { mkdtemp, open, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { silentProgress } from "../../infra/preparation/progress.ts";
import { runProgram, tryProgram } from "../../infra/preparation/run-program.ts";
import { planDiskLayout } from "../../shared/wire/gpt/disk-layout.ts";
import type { DiskLayout } from "../../shared/wire/gpt/disk-layout.ts";

const mib = 1024 * 1024;
let folder = "";

beforeAll(async () => {
  await ensureDebianPackages(["gdisk", "fdisk"], silentProgress);
  folder = await mkdtemp(join(tmpdir(), "farrier-gpt-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function makeDisk(name: string, bytes: number): Promise<string> {
  const path = join(folder, name);
  await (await open(path, "w")).close();
  await truncate(path, bytes);
  return path;
}

/** Grows the file, plans with its first and the old end's MiB, and writes. */
async function layOut(
  path: string,
  sizes: { imageBytes: number; diskBytes: number; sectorBytes?: 512 | 4096; configBytes?: number },
): Promise<DiskLayout> {
  await truncate(path, sizes.diskBytes);
  const file = await open(path, "r+");
  try {
    const pieces = [];
    for (const offset of [0, sizes.imageBytes - mib]) {
      const bytes = new Uint8Array(mib);
      await file.read(bytes, 0, mib, offset);
      pieces.push({ offset, bytes });
    }
    const layout = planDiskLayout({
      pieces,
      disk: { diskBytes: sizes.diskBytes, sectorBytes: sizes.sectorBytes ?? 512 },
      ...(sizes.configBytes === undefined
        ? {}
        : { configDrive: { bytes: sizes.configBytes, uniqueGuid: new Uint8Array(16).fill(7) } }),
    });
    if (!layout.ok) throw new Error(layout.error.message);
    for (const { offset, bytes } of layout.value.writes) await file.write(bytes, 0, null, offset);
    return layout.value;
  } finally {
    await file.close();
  }
}

async function makeGptDisk(name: string, bytes: number): Promise<string> {
  const path = await makeDisk(name, bytes);
  const layout = "-o -n 1:2048:+1M -t 1:ef00 -c 1:EFI -n 2:0:+3M -c 2:root";
  await runProgram("sgdisk", [...layout.split(" "), path]);
  return path;
}

describe("disk layout on GPT", () => {
  test("has no problems for sgdisk and sfdisk when the disk has grown and got a config drive", async () => {
    const path = await makeGptDisk("grown.img", 8 * mib);
    const layout = await layOut(path, {
      imageBytes: 8 * mib,
      diskBytes: 100 * mib,
      configBytes: 9e5,
    });
    expect(layout.configDrive).toEqual({ offset: 98 * mib, length: mib });

    const verified = await runProgram("sgdisk", ["-v", path]);
    expect(verified.stdout).toContain("No problems found");
    expect(verified.stdout).not.toContain("Warning");
    const checked = await runProgram("sfdisk", ["--verify", path]);
    expect(checked.stdout + checked.stderr).toMatch(/No errors detected/);
    const info = await runProgram("sgdisk", ["-i", "3", path]);
    expect(info.stdout).toContain("Partition name: 'config-2'");
    expect(info.stdout).toContain("0FC63DAF-8483-4772-8E79-3D69D8477DE4");
    expect(info.stdout).toContain(`First sector: ${98 * 2048} `);
    expect(info.stdout).toContain(`Last sector: ${99 * 2048 - 1} `);
  });

  test("has the same tables as sgdisk -e when only the backup moves", async () => {
    const ours = await makeGptDisk("ours.img", 8 * mib);
    const theirs = join(folder, "theirs.img");
    await runProgram("cp", ["--sparse=always", ours, theirs]);
    await layOut(ours, { imageBytes: 8 * mib, diskBytes: 64 * mib });
    await truncate(theirs, 64 * mib);
    await runProgram("sgdisk", ["-e", theirs]);
    // Primary header and entries, then backup entries and header; the MBR differs in its CHS fields.
    const compare = (skip: number, bytes: number) =>
      runProgram("cmp", [`--ignore-initial=${skip}`, `--bytes=${bytes}`, ours, theirs]);
    await compare(512, 33 * 512);
    await compare(64 * mib - 33 * 512, 33 * 512);
  });

  test("has no problems for fdisk when sectors have 4096 bytes", async () => {
    const path = await makeDisk("4k.img", 16 * mib);
    // g: new table, n: partition, its number, first sector, size, w: write
    const made = await tryProgram("fdisk", ["-b", "4096", path], { input: "g\nn\n1\n\n+4M\nw\n" });
    expect(made.stdout).toContain("has been altered");
    const layout = await layOut(path, {
      imageBytes: 16 * mib,
      diskBytes: 64 * mib,
      sectorBytes: 4096,
      configBytes: 3 * mib,
    });
    expect(layout.configDrive).toEqual({ offset: 60 * mib, length: 3 * mib });
    const checked = await tryProgram("fdisk", ["-b", "4096", path], { input: "v\np\nq\n" });
    expect(checked.stdout + checked.stderr).toContain("No errors detected");
    expect(checked.stdout).toMatch(new RegExp(`2 +${60 * 256} +${63 * 256 - 1} `));
  });
});

describe("disk layout on MBR", () => {
  test("has no problems for sfdisk when a config drive was added", async () => {
    const path = await makeDisk("mbr.img", 8 * mib);
    await runProgram("sfdisk", [path], { input: "label: dos\n2048,8192,83,*\n" });
    const layout = await layOut(path, {
      imageBytes: 8 * mib,
      diskBytes: 40 * mib,
      configBytes: 4e5,
    });
    expect(layout.configDrive).toEqual({ offset: 39 * mib, length: mib });
    const checked = await runProgram("sfdisk", ["--verify", path]);
    expect(checked.stdout + checked.stderr).toMatch(/No errors detected/);
    const dump = await runProgram("sfdisk", ["--dump", path]);
    expect(dump.stdout).toMatch(/mbr\.img1 : start= +2048, size= +8192, type=83, bootable/);
    expect(dump.stdout).toMatch(/mbr\.img2 : start= +79872, size= +2048, type=83/);
  });
});

// That a disk with old data really is one: util-linux recognises what was planted, and the search
// finds what an erasure forgot. No machine runs here.

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { oldDataPlaces } from "../../infra/lab/disks/old-data.table.ts";
import { oldDataPackages, plantOldData, readOldData } from "../../infra/lab/disks/old-data.ts";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";

const mib = 1024 * 1024;

function newDisk(sizeMiB: number): string {
  const directory = mkdtempSync(join(tmpdir(), "farrier-disk-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "disk.raw");
  writeFileSync(path, "");
  truncateSync(path, sizeMiB * mib);
  return path;
}

async function overwrite(path: string, offset: number, bytes: number): Promise<void> {
  const file = await open(path, "r+");
  await file.write(Buffer.alloc(bytes), 0, bytes, offset);
  await file.close();
}

beforeAll(() => ensureDebianPackages(oldDataPackages, terminalProgress()));

test("plantOldData leaves marks and signatures that others recognise when a disk is partitioned", async () => {
  const path = newDisk(512);
  await plantOldData(path, "partitioned");
  const found = await readOldData(path);
  const inside = ["LVM", "ext4", "swap"].map((name) => `end of the ${name} partition`);
  const places = oldDataPlaces.map((place) => place.name);
  expect(found.marks).toEqual([...places, ...inside, "file"].toSorted());
  expect(found.signatures).toEqual([
    "LVM2_member in partition 2",
    "PMBR at 510",
    "ext4 in partition 1",
    "gpt at 512",
    `gpt at ${512 * mib - 512}`,
    "swap in partition 3",
  ]);
});

test("plantOldData makes a RAID member with a file system when the whole disk is used", async () => {
  const path = newDisk(512);
  await plantOldData(path, "whole-disk");
  const found = await readOldData(path);
  expect(found.marks).toEqual(["boot code", "file", "last MiB", "last sector", "md 0.90"]);
  expect(found.signatures).toEqual(["ext4 at 1080", `linux_raid_member at ${512 * mib - 8192}`]);
});

test("readOldData still finds the partitions' content when only the tables were erased", async () => {
  const path = newDisk(512);
  await plantOldData(path, "partitioned");
  await overwrite(path, 0, mib);
  await overwrite(path, 511 * mib, mib);
  const { signatures, marks } = await readOldData(path);
  expect(signatures).toEqual([
    "LVM2_member in partition 2",
    "ext4 in partition 1",
    "swap in partition 3",
  ]);
  expect(marks).toContain("file");
  expect(marks).not.toContain("boot code");
});

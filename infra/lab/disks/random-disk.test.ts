import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fillRandom, findUntouched } from "./random-disk.ts";

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

test("findUntouched names the blocks that nobody wrote to when a disk held random bytes", async () => {
  const path = newDisk(4);
  await fillRandom(path, "seed");
  expect(await findUntouched(path, "seed")).toEqual([0, mib, 2 * mib, 3 * mib]);
  await overwrite(path, mib + 5, 1);
  expect(await findUntouched(path, "seed")).toEqual([0, 2 * mib, 3 * mib]);
  expect(await findUntouched(path, "another seed")).toEqual([]);
});

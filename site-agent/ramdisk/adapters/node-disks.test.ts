import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { err, ok } from "../../../shared/result.ts";
import type { Programs } from "../../ports.ts";
import { makeNodeDisks } from "./node-disks.ts";
import { makeSectorFile } from "./sector-file.ts";

const sizeBytes = 3 * 1024 * 1024;
let folder = "";
let file = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-disks-"));
  file = join(folder, "disk.img");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const none: Programs = { run: () => Promise.resolve(err("missing", "no programs here")) };

async function openDisk(programs: Programs = none) {
  const opened = await makeNodeDisks(programs).open(file);
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

test("a disk keeps exactly what was written and zeroed, whatever the offsets and lengths", async () => {
  const place = fc.record({
    kind: fc.constantFrom("write", "zero"),
    offset: fc.nat(sizeBytes - 1),
    length: fc.oneof(fc.nat(2000), fc.nat(sizeBytes)),
    fill: fc.integer({ min: 1, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(place, { maxLength: 8 }), async (places) => {
      const model = Buffer.alloc(sizeBytes, 0xee);
      await writeFile(file, model);
      const disk = await openDisk();
      for (const { kind, offset, length: wanted, fill } of places) {
        const length = Math.min(wanted, sizeBytes - offset);
        const data = new Uint8Array(length).fill(kind === "zero" ? 0 : fill);
        const done = kind === "zero" ? disk.zero(offset, length) : disk.write(offset, data);
        expect((await done).ok).toBe(true);
        model.set(data, offset);
        const read = await disk.read(offset, length);
        expect(read.ok && Buffer.compare(read.value, data)).toBe(0);
      }
      await disk.flush();
      await disk.close();
      expect(Buffer.compare(await readFile(file), model)).toBe(0);
    }),
    { numRuns: 30 },
  );
}, 60_000);

test("transfers are whole sectors from page-aligned memory when the disk has large sectors", async () => {
  const transfers: { offset: number; length: number }[] = [];
  const content = Buffer.alloc(4 * 4096, 0xee);
  const handle = {
    async read(buffer: Uint8Array, offset: number, length: number, at: number) {
      transfers.push({ offset: at, length });
      buffer.set(content.subarray(at, at + length), offset);
      return { bytesRead: length, buffer };
    },
    async write(buffer: Uint8Array, offset: number, length: number, at: number) {
      // O_DIRECT (open(2)): memory, place and length are multiples of the sector size.
      expect([buffer.byteOffset, offset, length % 4096, at % 4096]).toEqual([0, 0, 0, 0]);
      transfers.push({ offset: at, length });
      content.set(buffer.subarray(0, length), at);
      return { bytesWritten: length, buffer };
    },
  };
  const sectors = makeSectorFile(handle, 4096);
  await sectors.write(4000, new Uint8Array(200).fill(1));
  expect(transfers).toEqual([
    { offset: 0, length: 8192 },
    { offset: 0, length: 8192 },
  ]);
  expect(content.indexOf(1)).toBe(4000);
  expect(content.lastIndexOf(1)).toBe(4199);
});

test("reading past the end is an error, and so is a path that is not there", async () => {
  await writeFile(file, Buffer.alloc(1024));
  const disk = await openDisk();
  expect(await disk.read(512, 1024)).toMatchObject({ ok: false, error: { kind: "io" } });
  await disk.close();
  const missing = await makeNodeDisks(none).open(join(folder, "no-such-disk"));
  expect(missing).toMatchObject({ ok: false, error: { kind: "missing" } });
});

test("the partition table is read anew by blockdev, and refused when that fails", async () => {
  const lines: string[] = [];
  const programs: Programs = {
    run(argv) {
      lines.push(argv.join(" "));
      const isFirst = lines.length === 1;
      return Promise.resolve(
        ok({ code: isFirst ? 1 : 0, stdout: "", stderr: isFirst ? "Device or resource busy" : "" }),
      );
    },
  };
  expect((await makeNodeDisks(programs).rereadPartitions("/dev/sda")).ok).toBe(true);
  expect(lines).toEqual(["blockdev --rereadpt /dev/sda", "blockdev --rereadpt /dev/sda"]);
});

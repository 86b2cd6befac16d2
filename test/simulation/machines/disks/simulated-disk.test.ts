import { describe, expect, test } from "vitest";
import type { Disk } from "../../../../site-agent/ramdisk/ports.ts";
import { makeRandom } from "../../kernel/random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import type { DiskChange } from "./simulated-disk.ts";

const kib = 1024;
const page = 64 * kib;
const pages = 64;

function makeDisk(seed = "a seed") {
  const changes: DiskChange[] = [];
  const disk = new SimulatedDisk({
    serialNumber: "D",
    sizeBytes: 1024 * 1024 * kib,
    bus: "scsi",
    slot: 0,
    random: makeRandom(seed),
    failsNow: () => false,
    onChange: (_, change) => void changes.push(change),
  });
  return { disk, changes, port: openPort(disk) };
}

function openPort(disk: SimulatedDisk): Disk {
  const opened = disk.open();
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

async function fill(port: Disk, value: number): Promise<void> {
  for (let at = 0; at < pages; at += 1)
    await port.write(at * page, new Uint8Array(page).fill(value));
}

/** Pages that hold nothing but this. */
function pagesOf(disk: SimulatedDisk, value: number): number {
  const wanted = new Uint8Array(page).fill(value);
  let count = 0;
  for (let at = 0; at < pages; at += 1) {
    if (Buffer.compare(disk.peek(at * page, page), wanted) === 0) count += 1;
  }
  return count;
}

describe("a simulated disk", () => {
  test("keeps bytes that were flushed, or were on the medium before", async () => {
    const { disk, port } = makeDisk();
    await port.write(0, new Uint8Array(10).fill(1));
    expect(disk.keeps(0, new Uint8Array(10).fill(1))).toBe(false);
    expect(disk.keeps(10, new Uint8Array(page))).toBe(true);
    await port.flush();
    await port.write(20, new Uint8Array(10).fill(2));
    expect(disk.keeps(0, new Uint8Array(10).fill(1))).toBe(true);
    expect(disk.keeps(20, new Uint8Array(10).fill(2))).toBe(false);
    expect([disk.unflushedBytes, disk.system]).toEqual([page, undefined]);
  });

  test("reads what was written and zeroed, across its pages", async () => {
    const { disk, changes, port } = makeDisk();
    const data = Uint8Array.from({ length: 3 * page }, (_, at) => 1 + (at % 255));
    await port.write(page - 7, data);
    await port.zero(page + 10, page);
    const wanted = Buffer.alloc(4 * page);
    wanted.set(data, page - 7);
    wanted.fill(0, page + 10, 2 * page + 10);
    expect(Buffer.compare(disk.peek(0, 4 * page), wanted)).toBe(0);
    expect([disk.holds(page - 7, data), disk.holds(0, wanted)]).toEqual([false, true]);
    const read = await port.read(0, 4 * page);
    expect(read.ok && Buffer.compare(read.value, wanted)).toBe(0);
    expect([disk.isZero(page + 10, page), disk.isZero(page + 9, page)]).toEqual([true, false]);
    expect(changes).toEqual([
      { change: "write", offset: page - 7, length: 3 * page },
      { change: "zero", offset: page + 10, length: page },
    ]);
  });

  test("loses some of what was not flushed, and nothing of what was, when the power goes", async () => {
    const { disk, port } = makeDisk();
    await fill(port, 1);
    await port.flush();
    disk.losePower();
    expect(pagesOf(disk, 1)).toBe(pages);
    const again = openPort(disk);
    await fill(again, 2);
    expect(disk.unflushedBytes).toBe(pages * page);
    disk.losePower();
    const [old, fresh] = [pagesOf(disk, 1), pagesOf(disk, 2)];
    expect(old).toBeGreaterThan(pages / 8);
    expect(fresh).toBeGreaterThan(pages / 8);
    // The rest is torn: sectors of both, none of a third kind.
    expect(old + fresh).toBeLessThan(pages);
    expect(new Set(disk.peek(0, pages * page))).toEqual(new Set([1, 2]));
  });

  test("may bring back what was zeroed and not flushed when the power goes", async () => {
    const { disk, port } = makeDisk();
    await fill(port, 1);
    await port.flush();
    await port.zero(0, pages * page);
    expect(disk.isZero(0, pages * page)).toBe(true);
    disk.losePower();
    expect(pagesOf(disk, 1)).toBeGreaterThan(pages / 8);
    expect(pagesOf(disk, 0)).toBeGreaterThan(pages / 8);
  });

  test("loses the same with the same seed, and something else with another", async () => {
    const left = async (seed: string): Promise<Uint8Array> => {
      const { disk, port } = makeDisk(seed);
      await fill(port, 1);
      disk.losePower();
      return disk.peek(0, pages * page);
    };
    const [one, same, other] = [await left("1"), await left("1"), await left("2")];
    expect(Buffer.compare(one, same)).toBe(0);
    expect(Buffer.compare(one, other)).not.toBe(0);
  });

  test("fails from a bad byte on, and works before it", async () => {
    const { disk, port } = makeDisk();
    disk.badFromByte = page;
    expect(await port.write(page - 512, new Uint8Array(512))).toMatchObject({ ok: true });
    expect(await port.write(page - 512, new Uint8Array(513))).toMatchObject({
      ok: false,
      error: { kind: "io" },
    });
    expect(await port.read(10 * page, 1)).toMatchObject({ ok: false });
  });

  test("is open for one program only, until the power goes", () => {
    const { disk } = makeDisk();
    expect(disk.open()).toMatchObject({ ok: false, error: { kind: "busy" } });
    disk.losePower();
    expect(disk.open()).toMatchObject({ ok: true });
  });
});

import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { toBase64 } from "../../../shared/bytes.ts";
import { encodeFrame } from "../../../shared/protocol/extent-stream.ts";
import type { RamdiskStep } from "../../../shared/protocol/ramdisk.ts";
import { makeExtentSource } from "../../../test/support/extent-source.ts";
import type { FakeDisk } from "../../../test/support/fake-disk.ts";
import {
  identityOf,
  operationToken,
  sizes,
  startRamdiskWorld,
} from "../../../test/support/ramdisk-world.ts";
import type { RamdiskWorld } from "../../../test/support/ramdisk-world.ts";

const kib = 1024;
const mib = 1024 * kib;

let world: RamdiskWorld;
beforeEach(async () => {
  world = await startRamdiskWorld();
});

/** An image of 20 MiB: MBR with one partition, text here and there, holes. */
function makeImage(): Uint8Array {
  const image = new Uint8Array(20 * mib);
  const text = (offset: number, value: string): void => image.set(Buffer.from(value), offset);
  image.set([0x80, 0, 0, 0, 0x83, 0, 0, 0], 446);
  new DataView(image.buffer).setUint32(446 + 8, 2048, true);
  new DataView(image.buffer).setUint32(446 + 12, 30 * 1024, true);
  image.set([0x55, 0xaa], 510);
  text(0, "boot code");
  text(3 * mib + 5, "in the body");
  text(12 * mib, "later in the body");
  text(image.length - 8, "the tail");
  return image;
}

interface Offer {
  readonly step: Extract<RamdiskStep, { kind: "write" }>;
  readonly contentDigest: string;
}

async function offer(
  image: Uint8Array,
  changes: Partial<Offer["step"]> = {},
  chunks?: () => AsyncIterable<Uint8Array>,
): Promise<Offer> {
  const source = await makeExtentSource(image);
  const { path } = world.extents.offer(operationToken, chunks ?? (() => source.chunks()));
  return {
    contentDigest: source.contentDigest,
    step: {
      kind: "write",
      rootDeviceHints: { serialNumber: "DISK-A" },
      approvedDisks: [identityOf("sda"), identityOf("sdb")],
      extentsPath: path,
      virtualBytes: image.length,
      bootMode: "legacy",
      bytesPerSecond: 0,
      ...changes,
    },
  };
}

function dirty(disk: FakeDisk): void {
  for (let at = 0; at < disk.sizeBytes; at += mib) disk.poke(at, new Uint8Array(mib).fill(0xaa));
}

function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, new Uint8Array(bytes.length)) === 0;
}

function isUnbootable(disk: FakeDisk): boolean {
  return isZero(disk.peek(0, mib));
}

describe("writing", () => {
  test("makes the disk equal to the image, holes included, and the first sector last", async () => {
    const disk = world.disk("sda");
    dirty(disk);
    const image = makeImage();
    const { step, contentDigest } = await offer(image);
    const onProgress = vi.fn();
    const result = await world.clock.until(world.run(step, { onProgress }));
    expect(result).toEqual({
      ok: true,
      outcome: {
        kind: "write",
        disk: identityOf("sda"),
        writtenBytes: 4 * 64 * kib,
        zeroedBytes: 20 * mib - 4 * 64 * kib,
        contentDigest,
        configDrive: false,
        bootEntry: "BIOS: the firmware's boot order",
      },
    });
    expect(Buffer.compare(disk.peek(0, image.length), image)).toBe(0);
    expect(disk.changes.slice(-2)).toEqual([
      { kind: "write", offset: 512, length: mib - 512 },
      { kind: "write", offset: 0, length: 512 },
    ]);
    expect(world.questions).toMatchObject([{ disks: [identityOf("sda")] }]);
    expect(world.disk("sdb").changes).toEqual([]);
    expect(onProgress.mock.calls[0]).toMatchObject([
      { step: "WritingImage", totalBytes: 20 * mib },
    ]);
  });

  test("adds the config drive's partition and its bytes, and clears what lay there", async () => {
    const disk = world.disk("sda");
    dirty(disk);
    const drive = new Uint8Array(300 * kib).fill(0x43);
    const { step } = await offer(makeImage(), { configDrive: toBase64(drive) });
    const result = await world.clock.until(world.run(step));
    expect(result).toMatchObject({ ok: true, outcome: { configDrive: true } });
    const place = sizes.sda - mib;
    expect(Buffer.compare(disk.peek(place, drive.length), drive)).toBe(0);
    expect(isZero(disk.peek(place + drive.length, mib - drive.length))).toBe(true);
    const mbr = new DataView(disk.peek(0, 512).buffer);
    expect(mbr.getUint8(446 + 16 + 4)).toBe(0x83);
    expect(mbr.getUint32(446 + 16 + 8, true)).toBe(place / 512);
  });

  test.each<[string, Partial<Offer["step"]>, string, string]>([
    ["no disk fits the hints", { rootDeviceHints: { serialNumber: "X" } }, "no-disk", "DISK-A"],
    ["several disks fit the hints", { rootDeviceHints: { vendor: "QEMU" } }, "no-disk", "2 disks"],
    ["no inspected disk is there", { approvedDisks: [] }, "identity", "inspect the host again"],
    [
      "the disk was not inspected",
      { approvedDisks: [identityOf("sdb")] },
      "identity",
      "is not one of the inspected disks",
    ],
    [
      "another disk has the approved one's size and place",
      { approvedDisks: [{ ...identityOf("sda"), serialNumber: "OLD" }] },
      "identity",
      "inspect the host again",
    ],
    ["the image is larger than the disk", { virtualBytes: 65 * mib }, "too-small", "DISK-A"],
    ["the stream is for another disk size", { virtualBytes: 21 * mib }, "stream", "22020096 bytes"],
    ["the agent does not offer the stream", { extentsPath: "/other" }, "stream", "404"],
    ["the config drive is no base64", { configDrive: "%" }, "unsupported", "base64"],
  ])("destroys nothing and does not ask when %s", async (_, changes, kind, part) => {
    const { step } = await offer(makeImage(), changes);
    const result = await world.clock.until(world.run(step));
    expect(result).toMatchObject({ ok: false, failure: { kind, destroyed: false } });
    expect(result.ok ? "" : result.failure.message).toContain(part);
    expect(world.questions).toEqual([]);
    expect([...world.disk("sda").changes, ...world.disk("sdb").changes]).toEqual([]);
  });

  test("destroys nothing when the agent refuses at the point of no return", async () => {
    const { step } = await offer(makeImage());
    const mayDestroy = () => Promise.resolve({ go: false as const, reason: "detached" });
    const result = await world.clock.until(world.run(step, { mayDestroy }));
    expect(result).toMatchObject({ failure: { kind: "refused", destroyed: false } });
    expect(world.disk("sda").changes).toEqual([]);
    expect(world.disk("sda").isOpen).toBe(false);
  });

  test("leaves a disk that does not boot when the stream ends in a failure", async () => {
    const image = makeImage();
    const source = await makeExtentSource(image);
    const { step } = await offer(image, {}, async function* () {
      for (const frame of source.frames) {
        if (frame.type === "verified") break;
        yield encodeFrame(frame);
      }
      yield encodeFrame({ type: "failure", kind: "checksum", message: "sha256 is another" });
    });
    dirty(world.disk("sda"));
    const result = await world.clock.until(world.run(step));
    expect(result).toEqual({
      ok: false,
      failure: {
        kind: "stream",
        message: "The agent cannot give the image: checksum: sha256 is another",
        destroyed: true,
      },
    });
    expect(isUnbootable(world.disk("sda"))).toBe(true);
  });

  test("leaves a disk that does not boot when the disk fails in the middle", async () => {
    const { step } = await offer(makeImage());
    world.disk("sda").badByte = 12 * mib + 7;
    const result = await world.clock.until(world.run(step));
    expect(result).toMatchObject({ failure: { kind: "io", destroyed: true } });
    expect(isUnbootable(world.disk("sda"))).toBe(true);
  });

  test("fetches the stream again when it breaks off, also when the link does", async () => {
    const image = makeImage();
    const source = await makeExtentSource(image);
    let gets = 0;
    const { step, contentDigest } = await offer(image, {}, async function* () {
      gets += 1;
      for (const [index, frame] of source.frames.entries()) {
        if (gets === 1 && index === 4) {
          world.agent.cut();
          world.agent.mend();
        }
        yield encodeFrame(frame);
      }
    });
    dirty(world.disk("sda"));
    const result = await world.clock.until(world.run(step));
    expect(result).toMatchObject({ ok: true, outcome: { contentDigest } });
    expect(gets).toBe(2);
    expect(Buffer.compare(world.disk("sda").peek(0, image.length), image)).toBe(0);
    expect(world.questions.length).toBe(1);
  });

  test("gives up when the stream breaks off again and again", async () => {
    const image = makeImage();
    const source = await makeExtentSource(image);
    const { step } = await offer(image, {}, async function* () {
      yield* source.frames.slice(0, 4).map(encodeFrame);
    });
    const result = await world.clock.until(world.run(step));
    expect(result).toMatchObject({ failure: { kind: "stream", destroyed: true } });
    expect(result.ok ? "" : result.failure.message).toContain("tried 4 times");
  });

  test("stops and leaves a disk that does not boot when it is cancelled", async () => {
    const image = makeImage();
    const source = await makeExtentSource(image);
    const controller = new AbortController();
    const { step } = await offer(image, {}, async function* () {
      for (const frame of source.frames) {
        if (frame.type === "verified") {
          controller.abort();
          await world.clock.sleep(1_000);
        }
        yield encodeFrame(frame);
      }
    });
    const result = await world.clock.until(world.run(step, { signal: controller.signal }));
    expect(result).toMatchObject({ failure: { kind: "cancelled", destroyed: true } });
    expect(isUnbootable(world.disk("sda"))).toBe(true);
  });

  test("keeps to the permitted speed", async () => {
    const image = new Uint8Array(16 * mib).fill(1);
    image.set(makeImage().subarray(0, 512));
    const { step } = await offer(image, { bytesPerSecond: 2 * mib });
    const startedAtMs = world.clock.monotonicMs();
    expect(await world.clock.until(world.run(step))).toMatchObject({ ok: true });
    expect((world.clock.monotonicMs() - startedAtMs) / 1000).toBeGreaterThanOrEqual(7);
  });

  test("never leaves a disk that boots something else when the stream is damaged at any byte", async () => {
    const image = makeImage().subarray(0, 4 * mib);
    const source = await makeExtentSource(image);
    const whole = Buffer.concat(source.frames.map(encodeFrame));
    const place = fc.nat(whole.length - 1);
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        world = await startRamdiskWorld();
        const { step } = await offer(image, {}, async function* () {
          const damaged = Uint8Array.from(whole);
          damaged[at] = (damaged[at] ?? 0) ^ flip;
          yield damaged;
        });
        const disk = world.disk("sda");
        const result = await world.clock.until(world.run(step));
        // Some bits of a zstd frame say nothing about its content.
        if (result.ok) expect(Buffer.compare(disk.peek(0, image.length), image)).toBe(0);
        else expect(isUnbootable(disk)).toBe(true);
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  test("makes the disk equal to any image of any size", async () => {
    const granule = fc.constantFrom(0, 0, 0, 1, 2, 3);
    await fc.assert(
      fc.asyncProperty(
        fc.array(granule, { minLength: 16, maxLength: 200 }),
        fc.integer({ min: 1, max: 128 }),
        async (granules, lastSectors) => {
          world = await startRamdiskWorld();
          const length = (granules.length - 1) * 64 * kib + lastSectors * 512;
          const image = new Uint8Array(length);
          granules.forEach((value, index) =>
            image.fill(value, index * 64 * kib, (index + 1) * 64 * kib),
          );
          dirty(world.disk("sda"));
          const { step, contentDigest } = await offer(image);
          const result = await world.clock.until(world.run(step));
          expect(result).toMatchObject({ ok: true, outcome: { contentDigest } });
          expect(Buffer.compare(world.disk("sda").peek(0, length), image)).toBe(0);
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);
});

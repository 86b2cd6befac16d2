import { describe, expect, test } from "vitest";
import { ok } from "../../shared/result.ts";
import { makeExtentSource } from "../../test/support/extent-source.ts";
import {
  cacheDirectory,
  digestOf,
  imageUrl,
  makeImagingWorld,
  openImage,
  readFrames,
  sourceOf,
  wholeFile,
} from "../../test/support/imaging-world.ts";
import type { HttpError } from "../ports.ts";
import type { Result } from "../../shared/result.ts";

const mib = 1024 * 1024;

/** 5 MiB and a bit, with holes. */
function makeDisk(seed = 1): Uint8Array {
  const disk = new Uint8Array(5 * mib + 1536);
  for (const [from, to] of [
    [0, 70_000],
    [2 * mib + 65_536, 3 * mib + 1],
    [5 * mib, 5 * mib + 1536],
  ] as const) {
    for (let at = from; at < to; at += 1) disk[at] = (at * seed + (at >> 8)) % 251;
  }
  return disk;
}

const disk = makeDisk();
const signal = new AbortController().signal;

describe("open", () => {
  test("gives the stream that an independent encoder makes when the image is raw", async () => {
    const world = makeImagingWorld(wholeFile(disk));
    const image = await openImage(world.start(), sourceOf(disk));
    const brought = await readFrames(image);
    const expected = await makeExtentSource(disk);
    expect(image.virtualBytes).toBe(disk.length);
    expect(brought.error).toBeUndefined();
    expect(brought.order).toBe("header zero data zero verified data zero data end");
    expect(await image.verified).toEqual(ok({ contentDigest: expected.contentDigest }));
    const places = (frames: typeof brought.frames) =>
      frames.flatMap((frame) =>
        "offset" in frame ? [`${frame.type} ${frame.offset} ${frame.length}`] : [],
      );
    expect(places(brought.frames)).toEqual(places(expected.frames));
  });

  test("fills a raw image up to whole sectors when its length is odd", async () => {
    const odd = disk.subarray(0, 3 * mib + 7);
    const world = makeImagingWorld(wholeFile(odd));
    const image = await openImage(world.start(), sourceOf(odd));
    expect(image.virtualBytes).toBe(3 * mib + 512);
    expect((await readFrames(image)).error).toBeUndefined();
  });

  test("knows a raw disk's size at the end when the server announces none", async () => {
    const world = makeImagingWorld(() => ({ status: 200, body: disk }));
    const image = await openImage(world.start(), sourceOf(disk));
    expect(image.virtualBytes).toBe(disk.length);
    expect((await readFrames(image)).error).toBeUndefined();
  });

  test.each(["md5", "sha256", "sha512"] as const)(
    "verifies a %s digest, given or in a checksum file",
    async (algorithm) => {
      const digest = digestOf(disk, algorithm);
      const sums = `${digestOf(disk.subarray(1), algorithm)}  other.img\n${digest} *disk.img\n`;
      for (const checksum of [digest, "http://images.example/SUMS"]) {
        for (const checksumType of [algorithm, "auto"] as const) {
          const world = makeImagingWorld((request) =>
            request.url.endsWith("SUMS")
              ? { status: 200, body: new TextEncoder().encode(sums) }
              : wholeFile(disk)(request),
          );
          const image = await openImage(world.start(), sourceOf(disk, { checksum, checksumType }));
          expect((await readFrames(image)).error).toBeUndefined();
          expect((await image.verified).ok).toBe(true);
        }
      }
    },
  );

  test("never releases the head and keeps nothing when the checksum is wrong", async () => {
    const world = makeImagingWorld(wholeFile(disk));
    const image = await openImage(
      world.start(),
      sourceOf(disk, { checksum: digestOf(makeDisk(2)) }),
    );
    const brought = await readFrames(image);
    expect(brought.order).toBe("header zero data zero failure");
    expect(brought.frames.at(-1)).toMatchObject({ type: "failure", kind: "checksum" });
    const verified = await image.verified;
    expect(!verified.ok && verified.error.message).toContain(digestOf(disk));
    image.release();
    await world.clock.advance(0);
    expect(world.files.paths()).toEqual([]);
    expect(world.files.openCount()).toBe(0);
  });

  test("reports bytes, total and speed once a second", async () => {
    const world = makeImagingWorld(() => ({
      status: 200,
      headers: { "content-length": String(disk.length) },
      body: paced(),
    }));
    async function* paced(): AsyncGenerator<Result<Uint8Array, HttpError>> {
      for (let at = 0; at < disk.length; at += mib) {
        yield ok(disk.subarray(at, at + mib));
        await world.clock.sleep(600);
      }
    }
    const seen: unknown[] = [];
    const opened = openImage(world.start(), sourceOf(disk), (progress) => seen.push(progress));
    const image = await world.clock.until(opened);
    await world.clock.until(readFrames(image));
    expect(seen).toEqual([
      { step: "Fetching", doneBytes: 3 * mib, totalBytes: disk.length, bytesPerSecond: 2621440 },
      { step: "Fetching", doneBytes: 5 * mib, totalBytes: disk.length, bytesPerSecond: 2184533 },
      expect.objectContaining({ doneBytes: disk.length }),
    ]);
  });

  test("says that it lives when the source is silent for long", async () => {
    const world = makeImagingWorld(() => ({
      status: 200,
      headers: { "content-length": String(disk.length) },
      body: slow(),
    }));
    async function* slow(): AsyncGenerator<Result<Uint8Array, HttpError>> {
      yield ok(disk.subarray(0, 2 * mib));
      await world.clock.sleep(12_000);
      yield ok(disk.subarray(2 * mib));
    }
    const image = await openImage(world.start(), sourceOf(disk));
    const brought = await world.clock.until(readFrames(image));
    expect(brought.error).toBeUndefined();
    expect(brought.frames.filter(({ type }) => type === "waiting")).toHaveLength(2);
  });
});

describe("many hosts", () => {
  test("share one fetch, each at its own speed", async () => {
    const world = makeImagingWorld(wholeFile(disk));
    const images = world.start();
    const opened = await Promise.all(
      Array.from({ length: 8 }, () => openImage(images, sourceOf(disk))),
    );
    const brought = [];
    for (const image of opened) brought.push(await readFrames(image));
    expect(new Set(brought.map(({ frames }) => JSON.stringify(frames))).size).toBe(1);
    expect(brought[0]?.error).toBeUndefined();
    expect(world.http.requests).toHaveLength(1);
    for (const image of opened) image.release();
    await world.clock.advance(0);
    expect(world.files.openCount()).toBe(0);
  });

  test("get it without any request when it was fetched before, after a restart too", async () => {
    const world = makeImagingWorld(wholeFile(disk));
    const before = await openImage(world.start(), sourceOf(disk));
    const first = await readFrames(before);
    await before.verified;
    const images = world.start();
    for (let turn = 0; turn < 2; turn += 1) {
      const image = await openImage(images, sourceOf(disk));
      expect(await readFrames(image)).toEqual(first);
      expect(await image.verified).toEqual(await before.verified);
      expect(image.dataBytes).toBeGreaterThan(mib);
      image.release();
    }
    expect(world.http.requests).toHaveLength(1);
  });

  test("fetch again when another checksum is asked for", async () => {
    let served = disk;
    const world = makeImagingWorld((request) => wholeFile(served)(request));
    const images = world.start();
    await readFrames(await openImage(images, sourceOf(disk)));
    served = makeDisk(3);
    const image = await openImage(images, sourceOf(served));
    expect((await readFrames(image)).error).toBeUndefined();
    expect(world.http.requests).toHaveLength(2);
  });

  test("do not disturb each other when one leaves; the last one stops the fetch", async () => {
    const gate = Promise.withResolvers<void>();
    const world = makeImagingWorld(() => ({
      status: 200,
      headers: { "content-length": String(disk.length) },
      body: held(),
    }));
    async function* held(): AsyncGenerator<Result<Uint8Array, HttpError>> {
      yield ok(disk.subarray(0, 3 * mib));
      await gate.promise;
      yield ok(disk.subarray(3 * mib));
    }
    const images = world.start();
    const leaving = new AbortController();
    const first = await images.open(sourceOf(disk), () => {}, leaving.signal);
    const second = await openImage(images, sourceOf(disk));
    leaving.abort();
    const frames = readFrames(second);
    await world.clock.advance(0);
    second.release();
    expect((await frames).frames.at(-1)).toMatchObject({ type: "failure", kind: "aborted" });
    const verified = first.ok ? await first.value.verified : undefined;
    expect(verified?.ok === false && verified.error.kind).toBe("aborted");
    expect(world.files.openCount()).toBe(0);
    // Whoever comes now starts anew and is not told of the old one's end.
    gate.resolve();
    const third = await openImage(images, sourceOf(disk));
    expect((await readFrames(third)).error).toBeUndefined();
  });

  test("are told at once when they give up while the image is being opened", async () => {
    const world = makeImagingWorld(() => ({ status: 200, body: never() }));
    async function* never(): AsyncGenerator<Result<Uint8Array, HttpError>> {
      yield ok(disk.subarray(0, 100));
      await new Promise(() => {});
    }
    const giveUp = new AbortController();
    const opening = world.start().open(sourceOf(disk), () => {}, giveUp.signal);
    await world.clock.advance(0);
    giveUp.abort();
    const opened = await opening;
    expect(!opened.ok && opened.error.kind).toBe("aborted");
  });
});

describe("refusals", () => {
  async function refusal(
    answer: Parameters<typeof makeImagingWorld>[0],
    source = sourceOf(disk),
    config = {},
  ) {
    const world = makeImagingWorld(answer);
    const opened = await world.start(config).open(source, () => {}, signal);
    const result = opened.ok ? await opened.value.verified : opened;
    if (opened.ok) opened.value.release();
    await world.clock.advance(0);
    expect(world.files.openCount()).toBe(0);
    return result.ok ? "accepted" : `${result.error.kind}: ${result.error.message}`;
  }

  test("name what the server answered when there is no image", async () => {
    expect(await refusal(() => ({ status: 404 }))).toMatch(/^not-found: .*disk\.img answered 404/);
    expect(await refusal(() => ({ status: 403 }))).toMatch(/^not-found: /);
    expect(await refusal(() => ({ status: 503 }))).toMatch(/^unreachable: .*503/);
    expect(await refusal(() => "tls")).toMatch(/^unreachable: /);
    expect(await refusal(wholeFile(new Uint8Array()))).toMatch(/^format: .*empty/);
    const page = new TextEncoder().encode("<!DOCTYPE html><html>Not here</html>");
    expect(await refusal(wholeFile(page))).toMatch(/^format: .*web page/);
    const gzip = wholeFile(disk, { "content-encoding": "gzip" });
    expect(await refusal(gzip)).toMatch(/^format: .*content encoding gzip/);
  });

  test("come before any request when address or checksum cannot be used", async () => {
    const never = () => {
      throw new Error("asked");
    };
    const local = sourceOf(disk, { url: "http://127.0.0.1/disk.img" });
    expect(await refusal(never, local)).toMatch(/^address: /);
    expect(await refusal(never, sourceOf(disk, { url: "file:///x" }))).toMatch(/^address: /);
    expect(await refusal(never, sourceOf(disk, { checksum: "" }))).toMatch(/^checksum: .*empty/);
    const file = sourceOf(disk, { checksum: "http://169.254.169.254/SUMS" });
    expect(await refusal(never, file)).toMatch(/^address: /);
  });

  test("name the format when the content is not what spec.image.format says", async () => {
    const qcow2 = Uint8Array.from([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3, ...Array(600).fill(0)]);
    const said = (bytes: Uint8Array, format: "raw" | "qcow2") => sourceOf(bytes, { format });
    expect(await refusal(wholeFile(qcow2), said(qcow2, "raw"))).toMatch(/^format: .*says raw/);
    expect(await refusal(wholeFile(disk), said(disk, "qcow2"))).toMatch(/^format: .*says qcow2/);
    const xz = Uint8Array.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1]);
    expect(await refusal(wholeFile(xz), sourceOf(xz))).toMatch(/^format: .*xz-compressed/);
    // Once in the cache, too.
    const world = makeImagingWorld(wholeFile(disk));
    const images = world.start();
    await readFrames(await openImage(images, sourceOf(disk)));
    const opened = await images.open(said(disk, "qcow2"), () => {}, signal);
    expect(!opened.ok && opened.error.kind).toBe("format");
  });

  test("come when the image does not fit the cache or its disk", async () => {
    expect(await refusal(wholeFile(disk), sourceOf(disk), { cacheBytes: mib })).toMatch(
      /^no-space/,
    );
    const endless = () => ({ status: 200, body: forever() });
    async function* forever(): AsyncGenerator<Result<Uint8Array, HttpError>> {
      for (;;) yield ok(disk.subarray(0, mib));
    }
    expect(await refusal(endless, sourceOf(disk), { cacheBytes: 9 * mib })).toMatch(/^no-space/);
    const world = makeImagingWorld(wholeFile(disk));
    world.files.freeBytesLeft = 2 * mib;
    const full = await world.start().open(sourceOf(disk), () => {}, signal);
    expect(!full.ok && full.error.kind).toBe("no-space");
    world.files.freeBytesLeft = 2 ** 30;
    world.files.fault = (action, path) =>
      action === "write" && path.endsWith(".extents") ? "full" : undefined;
    const image = await world.start().open(sourceOf(disk), () => {}, signal);
    const result = image.ok ? await image.value.verified : image;
    expect(!result.ok && result.error.kind).toBe("no-space");
  });
});

describe("cache", () => {
  const indexPath = `${cacheDirectory}/index.json`;
  const contentOf = (paths: readonly string[]) =>
    paths.filter((path) => path.startsWith(`${cacheDirectory}/content/`));

  test("serves without its uplink what a checksum file once named", async () => {
    let isOnline = true;
    const sums = new TextEncoder().encode(`${digestOf(disk)}  disk.img\n`);
    const world = makeImagingWorld((request) => {
      if (!isOnline) return "unreachable";
      return request.url.endsWith("SUMS") ? { status: 200, body: sums } : wholeFile(disk)(request);
    });
    const source = sourceOf(disk, { checksum: "http://images.example/SUMS" });
    await readFrames(await openImage(world.start(), source));
    isOnline = false;
    const image = await openImage(world.start(), source);
    expect((await readFrames(image)).error).toBeUndefined();
    const other = sourceOf(disk, { checksum: "http://images.example/x/SUMS" });
    const opened = await world.start().open(other, () => {}, signal);
    expect(!opened.ok && opened.error.kind).toBe("unreachable");
  });

  test("removes what a crash left and fetches what the index names in vain", async () => {
    const world = makeImagingWorld(wholeFile(disk));
    await readFrames(await openImage(world.start(), sourceOf(disk)));
    const [path = ""] = contentOf(world.files.paths());
    await world.files.writeFile(`${cacheDirectory}/work/7.source`, new Uint8Array(9));
    await world.files.writeFile(`${cacheDirectory}/content/0.extents`, new Uint8Array(9));
    const bytes = world.files.bytesOf(path) ?? new Uint8Array();
    await world.files.writeFile(path, bytes.subarray(0, bytes.length - 1));
    const image = await openImage(world.start(), sourceOf(disk));
    expect((await readFrames(image)).error).toBeUndefined();
    await image.verified;
    expect(world.files.paths()).toEqual([path, indexPath]);
    expect(world.http.requests).toHaveLength(2);
  });

  test("begins empty when its index is damaged", async () => {
    const world = makeImagingWorld(wholeFile(disk));
    await readFrames(await openImage(world.start(), sourceOf(disk)));
    await world.files.writeFile(
      indexPath,
      new TextEncoder().encode('{"version":1,"entries":[{}]}'),
    );
    const image = await openImage(world.start(), sourceOf(disk));
    expect((await readFrames(image)).error).toBeUndefined();
    expect(world.http.requests).toHaveLength(2);
    expect(world.logged).toContain("image cache begins empty: its index is damaged");
  });

  test("ends a stream that has rotted without its end, and fetches it again the next time", async () => {
    const world = makeImagingWorld(wholeFile(disk));
    const first = await readFrames(await openImage(world.start(), sourceOf(disk)));
    const [path = ""] = contentOf(world.files.paths());
    const bytes = world.files.bytesOf(path) ?? new Uint8Array();
    bytes[bytes.length - 100] = (bytes.at(-100) ?? 0) ^ 1;
    const images = world.start();
    const rotten = await readFrames(await openImage(images, sourceOf(disk)));
    expect(rotten.error).toBe("truncated");
    expect(rotten.order).not.toContain("end");
    expect(await readFrames(await openImage(images, sourceOf(disk)))).toEqual(first);
    expect(world.http.requests).toHaveLength(2);
  });

  test("writes no address down, as it may hold a secret", async () => {
    const source = sourceOf(disk, { url: `${imageUrl}?token=hunter2` });
    const world = makeImagingWorld(wholeFile(disk));
    await readFrames(await openImage(world.start(), source));
    const index = new TextDecoder().decode(world.files.bytesOf(indexPath));
    expect(index).toContain(digestOf(disk));
    expect(index).not.toContain("hunter2");
    expect(index).not.toContain("images.example");
  });
});

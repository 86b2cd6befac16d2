import { describe, expect, test } from "vitest";
import {
  digestOf,
  imageUrl,
  makeImagingWorld,
  openImage,
  readFrames,
  sourceOf,
  wholeFile,
} from "../../../test/support/imaging-world.ts";
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { FakeAnswer } from "../../../test/support/fake-http-client.ts";
import type { HttpError, HttpRequest } from "../../ports.ts";

const mib = 1024 * 1024;
const disk = new Uint8Array(4 * mib).map((_, index) => (index * 7) % 253);

type Body = AsyncIterable<Result<Uint8Array, HttpError>>;

/** So many bytes, and then the connection breaks. */
async function* broken(bytes: Uint8Array): Body & AsyncGenerator<Result<Uint8Array, HttpError>> {
  yield ok(bytes);
  yield err("truncated", "the connection broke");
}

/** The first answer breaks off after `bytes`; later ones come from `later`. */
function breaking(
  bytes: number,
  headers: Record<string, string>,
  later: (request: HttpRequest) => FakeAnswer | HttpError,
) {
  let asked = 0;
  return (request: HttpRequest): FakeAnswer | HttpError => {
    asked += 1;
    if (asked > 1) return later(request);
    const length = { "content-length": String(disk.length), ...headers };
    return { status: 200, headers: length, body: broken(disk.subarray(0, bytes)) };
  };
}

async function bring(answer: (request: HttpRequest) => FakeAnswer | HttpError, url = imageUrl) {
  const world = makeImagingWorld(answer);
  const opened = await world.clock.until(
    world.start().open(sourceOf(disk, { url }), () => {}, new AbortController().signal),
  );
  if (!opened.ok) return { world, brought: undefined, failure: opened.error };
  const brought = await world.clock.until(readFrames(opened.value));
  const verified = await opened.value.verified;
  return { world, brought, failure: verified.ok ? undefined : verified.error };
}

describe("a broken transfer", () => {
  const etag = { etag: '"7"' };

  test("goes on where it stopped when the server still has the same file", async () => {
    const { world, failure } = await bring(
      breaking(3 * mib, etag, (request) => wholeFile(disk, etag)(request)),
    );
    expect(failure).toBeUndefined();
    const second = world.http.requests[1]?.headers;
    expect(second).toMatchObject({ range: `bytes=${3 * mib}-`, "if-range": '"7"' });
    expect(world.logged).toContain("image download goes on after a break");
  });

  test("is read again from the start when the server has no ranges", async () => {
    const { failure } = await bring(
      breaking(3 * mib, {}, () => ({
        status: 200,
        headers: { "content-length": String(disk.length) },
        body: disk,
      })),
    );
    expect(failure).toBeUndefined();
  });

  test("ends when ETag, Last-Modified or length have changed", async () => {
    const modified = { "last-modified": "Tue, 01 Sep 2026 00:00:00 GMT" };
    const longer = new Uint8Array(disk.length + 512);
    for (const [before, later] of [
      [etag, wholeFile(disk, { etag: '"8"' })],
      [modified, wholeFile(disk, { "last-modified": "Wed, 02 Sep 2026 00:00:00 GMT" })],
      [{}, wholeFile(longer)],
      [etag, () => ({ status: 200, headers: { etag: '"8"' }, body: disk })],
      [etag, () => ({ status: 416 })],
    ] as const) {
      const { failure, brought } = await bring(breaking(2 * mib, before, later));
      expect(failure?.kind).toBe("changed");
      expect(brought?.order).not.toContain("verified");
    }
  });

  test("ends when the range is not the one that was asked for", async () => {
    const wrong = { "content-range": `bytes 5-${disk.length - 1}/${disk.length}` };
    const { failure } = await bring(
      breaking(2 * mib, {}, () => ({ status: 206, headers: wrong, body: disk.subarray(5) })),
    );
    expect(failure?.kind).toBe("changed");
  });

  test("is given up when no try brings anything, in bounded time", async () => {
    const { world, failure } = await bring(breaking(2 * mib, etag, () => "unreachable"));
    expect(failure?.kind).toBe("unreachable");
    expect(world.http.requests).toHaveLength(6);
    expect(world.clock.nowMs()).toBeLessThan(1_000_000 + 60_000);
  });

  test("is noticed when the server ends it properly, but early", async () => {
    const { failure } = await bring(() => ({
      status: 200,
      headers: { "content-length": String(disk.length), etag: '"7"' },
      body: disk.subarray(0, 3 * mib),
    }));
    expect(failure?.message).toContain(`cut off after ${3 * mib} of ${disk.length} bytes`);
  });

  test("is not trusted when the server sends more than it announced", async () => {
    const { failure } = await bring(() => ({
      status: 200,
      headers: { "content-length": String(disk.length - 512) },
      body: disk,
    }));
    expect(failure?.kind).toBe("changed");
  });
});

describe("redirects", () => {
  const to = (location: string): FakeAnswer => ({ status: 302, headers: { location } });

  test("are followed, relative ones too, and never with another host's credentials", async () => {
    const { world, failure } = await bring((request) => {
      const { pathname, host } = new URL(request.url);
      if (pathname === "/a") return to("/b?x=1");
      if (pathname === "/b") return to("https://mirror.example:8443/c");
      return host === "mirror.example:8443" ? wholeFile(disk)(request) : { status: 404 };
    }, "http://user:p%40ss@images.example/a#part");
    expect(failure).toBeUndefined();
    expect(world.http.requests.map(({ url }) => url)).toEqual([
      "http://images.example/a",
      "http://images.example/b?x=1",
      "https://mirror.example:8443/c",
    ]);
    const basic = `Basic ${Buffer.from("user:p@ss").toString("base64")}`;
    expect(world.http.requests.map(({ headers }) => headers?.["authorization"])).toEqual([
      basic,
      basic,
      undefined,
    ]);
  });

  test("are refused when they lead to this machine, another scheme or in circles", async () => {
    for (const [location, kind] of [
      ["http://127.0.0.1/x", "address"],
      ["http://[::ffff:a9fe:a9fe]/x", "address"],
      ["file:///etc/passwd", "address"],
      ["http://", "address"],
      ["/again", "unreachable"],
    ] as const) {
      const { world, failure } = await bring(() => to(location));
      expect(failure?.kind, location).toBe(kind);
      expect(world.http.requests.length).toBeLessThanOrEqual(6);
    }
  });
});

test("a checksum file is refused when it is larger than any checksum file", async () => {
  const world = makeImagingWorld(() => ({ status: 200, body: new Uint8Array(2 * mib) }));
  const checksum = "http://images.example/SUMS";
  const opened = await world
    .start()
    .open(sourceOf(disk, { checksum }), () => {}, new AbortController().signal);
  expect(!opened.ok && opened.error).toMatchObject({ kind: "checksum" });
});

test("accept-encoding asks for identity, so that what arrives is what has the checksum", async () => {
  const world = makeImagingWorld(wholeFile(disk));
  const image = await openImage(world.start(), sourceOf(disk, { checksum: digestOf(disk) }));
  await readFrames(image);
  expect(world.http.requests[0]?.headers).toMatchObject({ "accept-encoding": "identity" });
});

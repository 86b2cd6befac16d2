import { ok } from "../../../../shared/result.ts";
import { expect, test } from "vitest";
import type { HttpRequest } from "../../../../site-agent/ports.ts";
import { openDisk } from "../../../../site-agent/imaging/decode/open-disk.ts";
import { fileOf } from "../../../support/encode-disk.ts";
import { syncCompression } from "../../../support/sync-compression.ts";
import { makeKernel } from "../../kernel/kernel.ts";
import { systemOn } from "../../machines/disks/system-image.ts";
import type { Happened } from "../../world/events.ts";
import { ImageServers } from "./image-servers.ts";
import { makeImage } from "./make-image.ts";

const origin = "http://images.example";
const mirror = "http://mirror.example";
const plan = { name: "image-1", format: "raw", sizeBytes: 1.5 * 1024 * 1024 } as const;

function makeServers(seed = "a seed") {
  const kernel = makeKernel(seed, Date.parse("2026-11-01T12:00:00Z"));
  const seen: Happened[] = [];
  const servers = new ImageServers({
    kernel,
    random: kernel.random.split("images"),
    tell: (happened) => void seen.push(happened),
    scan: () => {},
    mirror,
  });
  const versions = [1, 2].map((version) => {
    const { served: bytes, sha256 } = makeImage(plan, origin, version);
    return { bytes, sha256 };
  });
  const { url } = makeImage(plan, origin);
  servers.add({ url, versions });
  const get = (asked: Partial<HttpRequest> = {}) =>
    kernel.until(fetchAll(servers, { url, ...asked }));
  return { kernel, servers, seen, url, versions, get, knobs: servers.knobs(url) };
}

async function fetchAll(servers: ImageServers, asked: Partial<HttpRequest> & { url: string }) {
  const request = { method: "GET", timeoutMs: 60_000, ...asked } as const;
  const answered = await servers.http.request(request);
  if (!answered.ok) return { status: 0, headers: {}, body: Buffer.of(), end: answered.error.kind };
  const { status, headers, body } = answered.value;
  const chunks: Uint8Array[] = [];
  let end = "whole";
  for await (const chunk of body) {
    if (chunk.ok) chunks.push(chunk.value);
    else end = chunk.error.kind;
  }
  return { status, headers: headers as Record<string, string>, body: Buffer.concat(chunks), end };
}

test("a file is given whole, in parts and as a head, and its gifts are told", async () => {
  const { get, versions, seen, url } = makeServers();
  const bytes = Buffer.from(versions[0]?.bytes ?? []);
  const whole = await get();
  expect(whole.status).toBe(200);
  expect(whole.body.equals(bytes)).toBe(true);
  const part = await get({ headers: { range: "bytes=600000-600099" } });
  expect(part.status).toBe(206);
  expect(part.headers["content-range"]).toBe(`bytes 600000-600099/${bytes.length}`);
  expect(part.body.equals(bytes.subarray(600_000, 600_100))).toBe(true);
  const head = await get({ method: "HEAD" });
  expect(head.headers["content-length"]).toBe(String(bytes.length));
  expect(head.body).toHaveLength(0);
  expect(seen).toEqual([1, 2].map(() => ({ kind: "image-served", url, version: 1 })));
});

test("checksum files say the digest of what is there now", async () => {
  const { get, versions, servers, url } = makeServers();
  const [one, two] = versions.map(({ sha256 }) => sha256);
  expect((await get({ url: `${url}.sha256` })).body.toString()).toBe(`${one}\n`);
  servers.change(url, 2);
  expect((await get({ url: `${url}.sha256sum` })).body.toString()).toBe(`${two}  image-1.raw\n`);
});

test("a changed file has other validators, and If-Range gives it whole", async () => {
  const { get, servers, url } = makeServers();
  const { etag = "", "last-modified": date = "" } = (await get()).headers;
  const rest = (condition: string) =>
    get({ headers: { range: "bytes=5-", "if-range": condition } });
  expect([(await rest(etag)).status, (await rest(date)).status]).toEqual([206, 206]);
  servers.change(url, 2);
  const after = await rest(etag);
  expect(after.status).toBe(200);
  expect([after.headers["etag"], after.headers["last-modified"]]).not.toContain(etag);
  expect((await rest(date)).status).toBe(200);
  servers.heal();
  expect((await get()).headers["etag"]).not.toBe(etag);
});

test("a file that changes in the middle goes on as it was, or as a mixture", async () => {
  const became = new Set<string>();
  for (const seed of ["a", "b", "c", "d", "e", "f"]) {
    const { get, knobs, versions } = makeServers(seed);
    const [one, two] = versions.map(({ bytes }) => Buffer.from(bytes));
    knobs.changes = 1;
    const { body, end } = await get();
    expect(end).toBe("whole");
    const half = body.length / 2;
    const begins = [one, two].map((each) => each?.subarray(0, half).equals(body.subarray(0, half)));
    const ends = [one, two].map((each) => each?.subarray(half).equals(body.subarray(half)));
    expect(begins).toEqual([true, false]);
    became.add(ends[0] === true ? "old" : ends[1] === true ? "mixture" : "neither");
    expect((await get()).body.equals(two ?? Buffer.of())).toBe(true);
  }
  expect([...became].toSorted()).toEqual(["mixture", "old"]);
});

test("transfers end early, stand still and go on, or fail, as the server is told", async () => {
  const { kernel, get, knobs } = makeServers();
  knobs.truncations = 1;
  const cut = await get();
  expect([cut.end, cut.body.length]).toEqual(["truncated", plan.sizeBytes / 2]);
  knobs.stalled = true;
  expect((await get({ timeoutMs: 5_000 })).end).toBe("timeout");
  kernel.timer(4_000, () => (knobs.stalled = false));
  expect((await get({ timeoutMs: 10_000 })).end).toBe("whole");
  knobs.bytesPerMs = 10;
  const beganMs = kernel.nowMs();
  await get({ headers: { range: "bytes=0-9999" } });
  expect(kernel.nowMs() - beganMs).toBeGreaterThan(1_000);
  knobs.trouble = "missing";
  expect((await get()).status).toBe(404);
  knobs.trouble = "failing";
  expect((await get()).status).toBe(500);
});

test.each([
  ["same host", "/moved/image-1.raw"],
  ["other host", `${mirror}/image-1.raw`],
  ["loop", "/moved/image-1.raw"],
  ["metadata service", "http://169.254.169.254/latest/meta-data/"],
] as const)("a redirect leads to the %s", async (redirect, location) => {
  const { get, knobs, url } = makeServers();
  if (redirect === "loop" || redirect === "metadata service") knobs.trouble = redirect;
  else knobs.redirect = redirect;
  const { status, headers } = await get();
  expect([status, headers["location"]]).toEqual([302, location]);
  if (redirect === "metadata service") return;
  const next = await get({ url: new URL(location, url).href });
  expect(next.status).toBe(redirect === "loop" ? 302 : 200);
});

test("a qcow2 image holds the disk that the raw one is", async () => {
  const { bytes, served, name } = makeImage({ ...plan, format: "qcow2" }, origin);
  expect(served.length).toBeLessThan(bytes.length * 2);
  const file = fileOf(served);
  const spool = { ...file, wholeBytes: async () => ok(served.length) };
  const opened = await openDisk({ compression: syncCompression, maxVirtualBytes: 2 ** 40 }, {
    file: { totalBytes: served.length },
    spool,
    ranges: file,
    said: "qcow2",
  } as never);
  if (!opened.ok) throw new Error(opened.error.message);
  const { disk } = opened.value;
  const got = Buffer.alloc(disk.virtualBytes);
  for (let at = 0; at < disk.virtualBytes;) {
    const block = await disk.read(at);
    if (!block.ok) throw new Error(block.error.message);
    if (block.value.kind === "data") got.set(block.value.bytes, at);
    at += block.value.kind === "data" ? block.value.bytes.length : block.value.length;
  }
  expect(got.equals(Buffer.from(bytes))).toBe(true);
  const peek = (offset: number, length: number) => got.subarray(offset, offset + length);
  expect(systemOn({ sizeBytes: got.length, peek })).toBe(name);
});

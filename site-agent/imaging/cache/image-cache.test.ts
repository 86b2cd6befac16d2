import { describe, expect, test } from "vitest";
import { makeVirtualClock } from "../../../infra/lab/bmc-simulator/virtual-clock.ts";
import { makeFakeFiles } from "../../../test/support/fake-files.ts";
import type { CacheEntry } from "./cache-index.ts";
import { openImageCache } from "./image-cache.ts";

const files = () => makeFakeFiles();
const silent = { info: () => {}, warn: () => {}, error: () => {} };

async function openCache(disk = files(), limitBytes = 250) {
  const clock = makeVirtualClock();
  const opened = await openImageCache({
    files: disk,
    clock,
    log: silent,
    directory: "/cache",
    limitBytes,
  });
  if (!opened.ok) throw new Error(opened.error.message);
  const cache = opened.value;
  async function add(name: string, content = name, fileBytes = 100): Promise<CacheEntry> {
    await clock.advance(1_000);
    const entry: CacheEntry = {
      key: name,
      askedKey: `asked ${name}`,
      checksum: { algorithm: "sha256", digest: "00" },
      format: "raw",
      contentDigest: content.charCodeAt(0).toString(16).padStart(64, "0"),
      virtualBytes: 512,
      dataBytes: 0,
      fileBytes,
      fileDigest: "",
      lastUsedMs: clock.nowMs(),
    };
    const path = cache.workPath("extents");
    await disk.writeFile(path, new Uint8Array(fileBytes));
    expect(await cache.add(path, entry)).toEqual({ ok: true, value: undefined });
    return entry;
  }
  const kept = (): string =>
    ["a", "b", "c"].filter((name) => cache.find(name) !== undefined).join("");
  return { cache, clock, disk, add, kept };
}

describe("image cache", () => {
  test("removes what was used longest ago when it is above its limit", async () => {
    const { cache, clock, disk, add, kept } = await openCache();
    const a = await add("a");
    await add("b");
    await clock.advance(1_000);
    await cache.touch(a);
    await add("c");
    expect(kept()).toBe("ac");
    expect(disk.paths().filter((path) => path.includes("/content/"))).toHaveLength(2);
    expect(disk.paths().filter((path) => path.includes("/work/"))).toEqual([]);
  });

  test("counts one content once, whatever images have it", async () => {
    const { add, kept } = await openCache();
    await add("a", "same");
    await add("b", "same");
    await add("c");
    expect(kept()).toBe("abc");
  });

  test("does not keep what is larger than all of it", async () => {
    const { add, kept } = await openCache();
    await add("a");
    await add("b", "b", 300);
    expect(kept()).toBe("");
  });

  test("makes room on the disk by what was used longest ago, or says how much is missing", async () => {
    const { cache, disk, add, kept } = await openCache();
    await add("a");
    await add("b");
    const total = 500;
    disk.freeBytesLeft = total;
    const sizes = () => disk.paths().filter((path) => path.includes("/content/")).length * 100;
    Object.defineProperty(disk, "freeBytesLeft", { get: () => total - sizes() });
    expect(await cache.makeRoom(400)).toEqual({ ok: true, value: undefined });
    expect(kept()).toBe("b");
    const full = await cache.makeRoom(600);
    expect(!full.ok && full.error.message).toContain("600 bytes are needed and 500 are free");
  });

  test("has everything again when it is opened anew", async () => {
    const before = await openCache();
    const a = await before.add("a");
    const { cache } = await openCache(before.disk);
    expect(cache.find("a")).toEqual(a);
    expect(cache.findAsked("asked a")).toEqual(a);
    await cache.drop(a.contentDigest);
    const after = await openCache(before.disk);
    expect(after.kept()).toBe("");
    expect(before.disk.paths()).toEqual(["/cache/index.json"]);
  });
});

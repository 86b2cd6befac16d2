// Two real processes on one cache folder, and one that is killed half-way.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cached, canonicalJson } from "./cache.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-cache-"));
  process.env["FARRIER_CACHE"] = join(folder, "cache");
});

afterEach(async () => {
  delete process.env["FARRIER_CACHE"];
  await rm(folder, { recursive: true, force: true });
});

const key = { version: 1 };

// Builds "thing" by writing half of it, saying so, and going on when the file "go" appears.
const builder = `
import { cached } from ${JSON.stringify(join(import.meta.dirname, "cache.ts"))};
import { existsSync } from "node:fs";
import { appendFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
const folder = process.env.TEST_FOLDER;
const progress = { step: () => ({ note: () => console.log("waiting"), done() {}, fail() {} }) };
const result = await cached("thing", ${JSON.stringify(key)}, async (dir) => {
  await appendFile(folder + "/builds", "x");
  await writeFile(dir + "/part", "half");
  console.log("building");
  while (!existsSync(folder + "/go")) await sleep(10);
  await writeFile(dir + "/part", "whole");
}, progress);
console.log("end " + result.fromCache);
`;

interface Builder {
  readonly child: ChildProcess;
  said(text: string): Promise<void>;
}

function startBuilder(): Builder {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", builder], {
    env: { ...process.env, TEST_FOLDER: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString("utf8");
  });
  return {
    child,
    async said(text) {
      while (!output.includes(text)) await once(child.stdout, "data");
    },
  };
}

describe("cached", () => {
  it("builds once when two processes want one key", async () => {
    const first = startBuilder();
    await first.said("building");
    const second = startBuilder();
    await second.said("waiting");
    await writeFile(join(folder, "go"), "");
    await first.said("end false");
    await second.said("end true");
    expect(await readFile(join(folder, "builds"), "utf8")).toBe("x");
  });

  it("builds once when one process asks twice at the same time", async () => {
    let builds = 0;
    const build = async (): Promise<void> => {
      builds += 1;
    };
    const results = await Promise.all([cached("thing", key, build), cached("thing", key, build)]);
    expect(results.filter((result) => result.fromCache)).toHaveLength(1);
    expect(builds).toBe(1);
  });

  it("builds again and removes the leftovers when a build was killed half-way", async () => {
    const killed = startBuilder();
    await killed.said("building");
    killed.child.kill("SIGKILL");
    await once(killed.child, "exit");
    const shelf = join(folder, "cache", "thing");
    expect((await readdir(shelf)).filter((name) => name.includes("unfinished"))).toHaveLength(1);

    const { dir, fromCache } = await cached("thing", key, async (fresh) => {
      expect(existsSync(join(fresh, "part"))).toBe(false);
      await writeFile(join(fresh, "part"), "whole");
    });
    expect(fromCache).toBe(false);
    expect(await readFile(join(dir, "part"), "utf8")).toBe("whole");
    expect((await readdir(shelf)).filter((name) => name.includes("unfinished"))).toEqual([]);
  });

  it("hands the lock to the one who waits when the builder is killed", async () => {
    const killed = startBuilder();
    await killed.said("building");
    const second = startBuilder();
    await second.said("waiting");
    killed.child.kill("SIGKILL");
    await second.said("building");
    await writeFile(join(folder, "go"), "");
    await second.said("end false");
  });

  it("keeps nothing when the build throws", async () => {
    const failing = cached("thing", key, async (dir) => {
      await writeFile(join(dir, "part"), "half");
      throw new Error("no space");
    });
    await expect(failing).rejects.toThrow("no space");
    expect(await readdir(join(folder, "cache", "thing"))).toEqual(["lock"]);
  });

  it("keeps different keys apart and ignores the order of fields", async () => {
    const one = await cached("thing", { a: 1, b: [{ c: 2, d: 3 }] }, async () => {});
    const same = await cached("thing", { b: [{ d: 3, c: 2 }], a: 1 }, async () => {});
    const other = await cached("thing", { a: 1, b: [{ c: 2, d: 4 }] }, async () => {});
    expect(same).toMatchObject({ dir: one.dir, fromCache: true });
    expect(other.dir).not.toBe(one.dir);
  });

  it("refuses a name that could leave the cache folder", async () => {
    await expect(cached("../thing", key, async () => {})).rejects.toThrow('"../thing"');
  });
});

describe("canonicalJson", () => {
  it("sorts fields at every depth and keeps the order of lists", () => {
    expect(canonicalJson({ b: [3, { z: 1, y: 2 }], a: null })).toBe(
      '{"a":null,"b":[3,{"y":2,"z":1}]}',
    );
  });
});

// Images that qemu-img makes and that nobody may write to a disk: each is refused by the name of what is wrong
// with it, and none of them lets the disk's first MiB go. And one that is larger than all memory it may use.
import { createHash } from "node:crypto";
import { mkdtemp, open, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { silentProgress } from "../../infra/preparation/progress.ts";
import { runProgram } from "../../infra/preparation/run-program.ts";
import { startImageServer } from "../support/image-server.ts";
import type { ImageServer } from "../support/image-server.ts";
import { fileDigest, makeNodeImages } from "../support/node-imaging.ts";
import { receiveExtents } from "../support/receive-extents.ts";

const mib = 1024 * 1024;
let folder = "";
let server: ImageServer;

beforeAll(async () => {
  await ensureDebianPackages(["qemu-utils"], silentProgress);
  folder = await mkdtemp(join(tmpdir(), "farrier-refusals-"));
  server = await startImageServer();
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** What the user is told, and what had got to the ramdisk by then. */
async function refusal(name: string, checksum?: string): Promise<{ why: string; head: Buffer }> {
  const path = join(folder, name);
  const opened = await makeNodeImages(join(folder, "cache")).open(
    {
      url: `${server.url}/${name}`,
      checksum: checksum ?? (await fileDigest(path)),
      checksumType: "sha256",
    },
    () => {},
    new AbortController().signal,
  );
  if (!opened.ok) {
    return { why: `${opened.error.kind}: ${opened.error.message}`, head: Buffer.alloc(mib) };
  }
  const disk = join(folder, `${name}.received`);
  const received = await receiveExtents(opened.value.frames(), disk);
  const verified = await opened.value.verified;
  opened.value.release();
  expect(received.ended).toBe("failure");
  expect(received.order).not.toContain("verified");
  const why = verified.ok ? "accepted" : `${verified.error.kind}: ${verified.error.message}`;
  return { why, head: (await readFile(disk)).subarray(0, mib) };
}

function qemuImg(...args: string[]) {
  return runProgram("qemu-img", args);
}

describe("an image", () => {
  test.each([
    ["backing.qcow2", /^format: .*backing file/, ["-b", "base.qcow2", "-F", "qcow2"]],
    ["data-file.qcow2", /^format: .*external file/, ["-o", "data_file=secrets.raw"]],
    ["extended.qcow2", /^format: .*extended L2/, ["-o", "extended_l2=on"]],
    [
      "encrypted.qcow2",
      /^format: .*encrypted/,
      ["--object", "secret,id=s,data=x", "-o", "encrypt.format=aes,encrypt.key-secret=s"],
    ],
    ["huge.qcow2", /^format: .*more than the \d+ that are allowed/, ["-o", "cluster_size=2M"]],
  ] as const)("is refused by name when it is %s", async (name, why, options) => {
    const size = name === "huge.qcow2" ? "1P" : "20M";
    await runProgram("qemu-img", ["create", "-q", "-f", "qcow2", "base.qcow2", "20M"], {
      cwd: folder,
    });
    await runProgram("qemu-img", ["create", "-q", "-f", "qcow2", ...options, name, size], {
      cwd: folder,
    });
    server.serve(`/${name}`, { image: { path: join(folder, name) } });
    expect((await refusal(name)).why).toMatch(why);
  });

  test.each(["vmdk", "vdi", "vhdx", "qed"])("is refused by name when it is %s", async (format) => {
    const name = `disk.${format}`;
    await qemuImg("create", "-q", "-f", format, join(folder, name), "20M");
    server.serve(`/${name}`, { image: { path: join(folder, name) } });
    expect((await refusal(name)).why).toMatch(new RegExp(`^format: .*${format}`, "i"));
  });

  test("never becomes bootable when it is cut short, whatever its form", async () => {
    const raw = join(folder, "whole.raw");
    const file = await open(raw, "w");
    for (let at = 0; at < 12; at += 1)
      await file.write(Buffer.alloc(mib, 65 + at), 0, null, at * mib);
    await file.close();
    for (const [name, options] of [
      ["cut-plain.qcow2", []],
      ["cut-zlib.qcow2", ["-c"]],
    ] as const) {
      const path = join(folder, name);
      await qemuImg("convert", ...options, "-f", "raw", "-O", "qcow2", raw, path);
      await truncate(path, Math.floor((await stat(path)).size * 0.7));
      server.serve(`/${name}`, { image: { path } });
      const { why, head } = await refusal(name);
      expect(why).toMatch(/^format: .*(beyond the file's end|cannot be unpacked)/);
      expect(head.every((byte) => byte === 0)).toBe(true);
    }
  });

  test("never becomes bootable when its checksum is wrong", async () => {
    server.serve("/whole.raw", { image: { path: join(folder, "whole.raw") } });
    const { why, head } = await refusal("whole.raw", "0".repeat(64));
    expect(why).toMatch(/^checksum: .* was promised/);
    expect(head.every((byte) => byte === 0)).toBe(true);
  });

  test("is given up when the server changes it in the middle of the download", async () => {
    let changed = false;
    const path = join(folder, "whole.raw");
    const beforeByte = async (offset: number): Promise<void> => {
      if (changed || offset < 6 * mib) return;
      changed = true;
      server.serve("/changing", { image: { path, etag: '"2"' } });
      throw new Error("broken off");
    };
    server.serve("/changing", { image: { path, etag: '"1"', beforeByte } });
    await runProgram("ln", ["whole.raw", "changing"], { cwd: folder });
    expect((await refusal("changing")).why).toMatch(/^changed: .*its ETag/);
  });
});

test("memory stays bounded when an image is larger than the bound", async () => {
  const noise = Buffer.alloc(16 * mib);
  for (let at = 0; at < noise.length; at += 32) {
    noise.set(createHash("sha256").update(`${at}`).digest(), at);
  }
  const raw = join(folder, "large.raw");
  const file = await open(raw, "w");
  for (let at = 0; at < 24; at += 1) await file.write(noise, 0, null, at * noise.length);
  await file.close();
  const image = join(folder, "large.qcow2");
  await qemuImg("convert", "-W", "-m", "8", "-f", "raw", "-O", "qcow2", raw, image);
  await rm(raw);
  server.serve("/large.qcow2", { image: { path: image, etag: '"1"' } });
  const checksum = await fileDigest(image);
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  const opened = await makeNodeImages(join(folder, "cache")).open(
    { url: `${server.url}/large.qcow2`, checksum, checksumType: "auto" },
    () => {},
    new AbortController().signal,
  );
  if (!opened.ok) throw new Error(opened.error.message);
  let bytes = 0;
  for await (const chunk of opened.value.frames()) {
    bytes += chunk.length;
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
  }
  expect((await opened.value.verified).ok).toBe(true);
  opened.value.release();
  expect(bytes).toBeGreaterThan(380 * mib);
  // Server, agent and reader are one process here, and what the collector has not taken yet counts too.
  expect(peak).toBeLessThan(200 * mib);
});

// qemu-img makes images in every form that it knows, and says what disk is in them; imaging must bring the
// same disk to the ramdisk, byte for byte, from servers with and without byte ranges.
import { createHash } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { silentProgress } from "../../infra/preparation/progress.ts";
import { runProgram } from "../../infra/preparation/run-program.ts";
import type { ImageSource } from "../../site-agent/imaging/port.ts";
import { startImageServer } from "../support/image-server.ts";
import type { ImageServer } from "../support/image-server.ts";
import { fileDigest, makeNodeImages } from "../support/node-imaging.ts";
import { receiveExtents } from "../support/receive-extents.ts";

const mib = 1024 * 1024;
const diskBytes = 70 * mib + 3 * 512;
let folder = "";
let server: ImageServer;
let disk = "";

beforeAll(async () => {
  await ensureDebianPackages(["qemu-utils"], silentProgress);
  folder = await mkdtemp(join(tmpdir(), "farrier-qcow2-"));
  server = await startImageServer();
  disk = await makeDisk();
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** A disk with data that compress and data that do not, holes of every size, and a partial last cluster. */
async function makeDisk(): Promise<string> {
  const path = join(folder, "disk.raw");
  const file = await open(path, "w");
  await file.truncate(diskBytes);
  const noise = (bytes: number): Buffer => {
    const blocks: Buffer[] = [];
    for (let at = 0; at < bytes; at += 32) {
      blocks.push(createHash("sha256").update(`noise ${bytes} ${at}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, bytes);
  };
  const text = (bytes: number): Buffer => Buffer.alloc(bytes, "a farrier shapes iron to fit. ");
  const places: [number, Buffer][] = [
    [0, text(3 * mib)],
    [5 * mib + 65536, noise(2 * mib)],
    [9 * mib + 4096, noise(512)],
    [12 * mib, text(20 * mib)],
    [40 * mib + 512, noise(3 * mib)],
    [60 * mib, text(100_000)],
    [diskBytes - mib - 512, noise(mib + 512)],
  ];
  for (const [offset, bytes] of places) await file.write(bytes, 0, null, offset);
  await file.close();
  return path;
}

async function bring(name: string, image: string, source: Partial<ImageSource> = {}) {
  const opened = await makeNodeImages(join(folder, `cache-${name}`)).open(
    {
      url: `${server.url}/${name}`,
      checksum: await fileDigest(image),
      checksumType: "auto",
      ...source,
    },
    () => {},
    new AbortController().signal,
  );
  if (!opened.ok) throw new Error(`${name}: ${opened.error.kind}: ${opened.error.message}`);
  const path = join(folder, `${name}.received`);
  const received = await receiveExtents(opened.value.frames(), path);
  const verified = await opened.value.verified;
  opened.value.release();
  if (received.failure !== undefined) throw new Error(received.failure.message);
  expect(received.ended).toBe("end");
  expect(verified).toEqual({ ok: true, value: { contentDigest: received.contentDigest } });
  return { ...received, path };
}

const convert = "convert -f raw -O qcow2";
/** How each image is made from the disk. */
const forms: Record<string, string> = {
  plain: convert,
  zlib: `${convert} -c`,
  zstd: `${convert} -c -o compression_type=zstd`,
  shuffled: `${convert} -W -m 8`,
  "shuffled-zlib": `${convert} -c -W -m 8`,
  "shuffled-zstd": `${convert} -c -W -m 8 -o compression_type=zstd`,
  old: `${convert} -o compat=0.10`,
  "clusters-512": `${convert} -o cluster_size=512`,
  "clusters-4k-zlib": `${convert} -c -o cluster_size=4k`,
  "clusters-2m": `${convert} -o cluster_size=2M`,
  "clusters-2m-zlib": `${convert} -c -o cluster_size=2M`,
  "clusters-2m-zstd": `${convert} -c -o cluster_size=2M,compression_type=zstd`,
  metadata: `${convert} -o preallocation=metadata`,
  lazy: `${convert} -o lazy_refcounts=on`,
  "no-holes": `${convert} -S 0`,
};

describe("qcow2 images", () => {
  const digests = new Set<string | undefined>();

  test.each(Object.keys(forms))("%s gives the disk that qemu-img converts it to", async (form) => {
    const image = join(folder, `${form}.qcow2`);
    await runProgram("qemu-img", [...(forms[form] ?? "").split(" "), disk, image]);
    const judged = join(folder, `${form}.judged`);
    await runProgram("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", image, judged]);
    for (const ranges of [true, false]) {
      const name = `${form}-${ranges ? "ranges" : "whole"}`;
      server.serve(`/${name}`, { image: { path: image, ranges, etag: '"1"' } });
      const received = await bring(name, image);
      await runProgram("cmp", [judged, received.path]);
      digests.add(received.contentDigest);
      await rm(received.path);
    }
    await rm(judged);
  });

  test("raw gives the same content digest as every form of qcow2", async () => {
    server.serve("/raw", { image: { path: disk } });
    const received = await bring("raw", disk);
    await runProgram("cmp", [disk, received.path]);
    digests.add(received.contentDigest);
    expect(digests.size).toBe(1);
    // Holes cost nothing: the disk has about 30 MiB of data.
    expect(received.dataBytes).toBeLessThan(33 * mib);
  });
});

/** The disk in an image that is not made from `disk`, against what qemu-img says. */
async function compareWithJudge(name: string, image: string): Promise<void> {
  const judged = join(folder, `${name}.judged`);
  await runProgram("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", image, judged]);
  server.serve(`/${name}`, { image: { path: image, etag: '"1"' } });
  const received = await bring(name, image);
  await runProgram("cmp", [judged, received.path]);
}

async function makeBySteps(name: string, size: string, steps: readonly string[]): Promise<string> {
  const image = join(folder, `${name}.qcow2`);
  await runProgram("qemu-img", ["create", "-q", "-f", "qcow2", image, size]);
  const commands = steps.flatMap((step) => ["-c", step]);
  await runProgram("qemu-io", ["-f", "qcow2", ...commands, image]);
  return image;
}

describe("qcow2 images that have a history", () => {
  test("give the right disk when they were written from the end to the start", async () => {
    const steps = [];
    for (let at = 63; at >= 0; at -= 1) steps.push(`write -P ${at + 1} ${at * 17}M ${at + 1}k`);
    await compareWithJudge("reversed", await makeBySteps("reversed", "1100M", steps));
  });

  test("give the newest disk when they have snapshots, zeroed and discarded clusters", async () => {
    const image = await makeBySteps("snapshots", "1100M", [
      "write -P 1 0 5M",
      "write -P 2 1000M 1M",
    ]);
    await runProgram("qemu-img", ["snapshot", "-c", "before", image]);
    const steps = ["write -P 3 1M 100k", "write -z 2M 1M", "discard 3M 64k", "write -P 9 600M 1"];
    const commands = steps.flatMap((step) => ["-c", step]);
    await runProgram("qemu-io", ["-f", "qcow2", ...commands, image]);
    await compareWithJudge("snapshots", image);
  });

  test("cost nothing for terabytes of holes", async () => {
    const image = await makeBySteps("holes", "8T", ["write -P 7 3T 64k"]);
    const name = "holes";
    server.serve(`/${name}`, { image: { path: image } });
    const received = await bring(name, image);
    expect(received.virtualBytes).toBe(8 * 2 ** 40);
    expect(received.dataBytes).toBe(64 * 1024);
    expect(received.order).toEqual(["header", "zero", "data", "zero", "verified", "zero", "end"]);
  });
});

describe("writing", () => {
  /** Serves the image up to its middle and goes on only when the ramdisk has got data. */
  function serveHalf(name: string, path: string, size: number, ranges: boolean): () => void {
    const seen = Promise.withResolvers<void>();
    const beforeByte = async (offset: number, { range }: { range: string | undefined }) => {
      if (range === undefined && offset >= size / 2) await seen.promise;
    };
    server.serve(`/${name}`, { image: { path, ranges, etag: '"1"', beforeByte } });
    return () => seen.resolve();
  }

  async function bringHalf(name: string, path: string, ranges: boolean) {
    const file = await open(path);
    const { size } = await file.stat();
    await file.close();
    const goOn = serveHalf(name, path, size, ranges);
    const opened = await makeNodeImages(join(folder, `cache-${name}`)).open(
      { url: `${server.url}/${name}`, checksum: await fileDigest(path), checksumType: "sha256" },
      () => {},
      new AbortController().signal,
    );
    if (!opened.ok) throw new Error(opened.error.message);
    const received = await receiveExtents(
      opened.value.frames(),
      join(folder, `${name}.received`),
      (frame) => {
        if (frame.type === "data") goOn();
      },
    );
    opened.value.release();
    expect(received.ended).toBe("end");
    return received;
  }

  test("begins while fetching goes on when the image is raw", async () => {
    await bringHalf("half-raw", disk, false);
  });

  test("begins while fetching goes on when qcow2 tables are in their usual place", async () => {
    const image = join(folder, "plain.qcow2");
    await bringHalf("half-plain", image, false);
  });

  test("begins while fetching goes on when qcow2 tables are at the file's end, given ranges", async () => {
    const image = join(folder, "tables-last.qcow2");
    await runProgram("cp", [join(folder, "shuffled-zlib.qcow2"), image]);
    await moveTablesToEnd(image);
    const received = await bringHalf("half-tables-last", image, true);
    const judged = join(folder, "tables-last.judged");
    await runProgram("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", image, judged]);
    await runProgram("cmp", [judged, join(folder, "half-tables-last.received")]);
    expect(received.order).toContain("verified");
    expect(server.requests.filter(({ path }) => path === "/half-tables-last").length).toBe(2);
  });
});

/** Puts a copy of the only L2 table behind everything else and lets the L1 table point to it. */
async function moveTablesToEnd(path: string): Promise<void> {
  const file = await open(path, "r+");
  const { size } = await file.stat();
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
    return buffer;
  };
  const clusterBytes = 65536;
  const l1Offset = Number((await read(40, 8)).readBigUInt64BE());
  const entry = (await read(l1Offset, 8)).readBigUInt64BE();
  const table = await read(Number(entry & 0xff_ffff_ffff_fe00n), clusterBytes);
  const end = Math.ceil(size / clusterBytes) * clusterBytes;
  await file.write(table, 0, null, end);
  const moved = Buffer.alloc(8);
  moved.writeBigUInt64BE(BigInt(end));
  await file.write(moved, 0, null, l1Offset);
  await file.close();
}

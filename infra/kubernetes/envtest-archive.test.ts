// The published index and archive, played by a server on loopback.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Progress } from "../preparation/progress.ts";
import { runProgram } from "../preparation/run-program.ts";
import { envtestPrograms, newestArchive } from "./envtest-archive.ts";

const arch = process.arch === "x64" ? "amd64" : process.arch;
let folder: string;
let server: Server;
let base: string;
let pages: Map<string, string | Buffer>;
let endings: string[];
const progress: Progress = {
  step: () => ({
    note: () => {},
    done: (result) => endings.push(result?.detail ?? ""),
    fail: (message) => endings.push(`FAIL ${message}`),
  }),
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-envtest-"));
  process.env["FARRIER_CACHE"] = join(folder, "cache");
  pages = new Map();
  endings = [];
  server = createServer((request, response) => {
    const page = pages.get(request.url ?? "");
    response.writeHead(page === undefined ? 404 : 200).end(page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.close();
  delete process.env["FARRIER_CACHE"];
  await rm(folder, { recursive: true, force: true });
});

async function publish(hash?: string): Promise<void> {
  const inside = join(folder, "controller-tools", "envtest");
  await mkdir(inside, { recursive: true });
  for (const name of ["etcd", "kube-apiserver", "kubectl"])
    await writeFile(join(inside, name), name);
  await runProgram("tar", ["-czf", "archive.tar.gz", "controller-tools"], { cwd: folder });
  const archive = await readFile(join(folder, "archive.tar.gz"));
  pages.set("/archive", archive);
  const digest = createHash("sha512").update(archive).digest("hex");
  const entry = { hash: hash ?? digest, selfLink: `${base}/archive` };
  const releases = { "v1.36.1": { [`envtest-v1.36.1-linux-${arch}.tar.gz`]: entry } };
  pages.set("/index", stringify({ releases }));
}

describe("envtestPrograms", () => {
  it("unpacks the programs and asks nobody the second time", async () => {
    await publish();
    const dir = await envtestPrograms("v1.36.3", progress, `${base}/index`);
    expect(await readdir(dir!)).toEqual(["etcd", "kube-apiserver", "kubectl"]);
    expect(endings).toEqual(["v1.36.1"]);
    pages.clear();
    expect(await envtestPrograms("v1.36.3", progress, `${base}/index`)).toBe(dir);
  });

  it("keeps nothing when the digest is another", async () => {
    await publish("0".repeat(128));
    expect(await envtestPrograms("v1.36.3", progress, `${base}/index`)).toBeUndefined();
    expect(endings).toEqual(["not from here: v1.36.1 has another SHA-512 than its index says"]);
    expect(await readdir(join(folder, "cache", "envtest"))).toEqual(["lock"]);
  });

  it("says why and gives up when nobody answers", async () => {
    server.close();
    expect(await envtestPrograms("v1.36.3", progress, `${base}/index`)).toBeUndefined();
    expect(endings[0]).toMatch(/^not from here: .*ECONNREFUSED/);
  });
});

describe("newestArchive", () => {
  const hash = "0".repeat(128);
  const release = (
    version: string,
  ): [string, Record<string, { hash: string; selfLink: string }>] => [
    version,
    { [`envtest-${version}-linux-${arch}.tar.gz`]: { hash, selfLink: `http://host/${version}` } },
  ];

  it("takes the newest patch of the minor, and no alpha, when several are listed", () => {
    const names = ["v1.36.9", "v1.36.10", "v1.36.11-alpha.1", "v1.37.20", "v1.3.99"];
    const releases = Object.fromEntries(names.map(release));
    expect(newestArchive({ releases }, "v1.36.3").version).toBe("v1.36.10");
  });

  it("refuses when the minor is not listed", () => {
    const releases = Object.fromEntries([release("v1.35.0")]);
    expect(() => newestArchive({ releases }, "v1.36.3")).toThrow("the index has no v1.36");
  });
});

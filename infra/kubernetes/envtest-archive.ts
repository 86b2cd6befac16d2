// Fetches the archive of etcd, kube-apiserver and kubectl that controller-tools publishes for
// tests, and checks it against the digest in its index. It gives up soon where there is no way to
// that host: the caller has another way to get the programs.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parse } from "yaml";
import { z } from "zod";
import { cached } from "../preparation/cache.ts";
import type { Progress, ProgressStep } from "../preparation/progress.ts";
import { runProgram } from "../preparation/run-program.ts";

const publishedIndex =
  "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml";

const indexTimeoutMs = 4_000;
const archiveTimeoutMs = 600_000;

const archiveEntry = z.object({ hash: z.string().regex(/^[0-9a-f]{128}$/), selfLink: z.url() });
const indexSchema = z.object({
  releases: z.record(z.string(), z.record(z.string(), archiveEntry)),
});
type Index = z.infer<typeof indexSchema>;

export interface EnvtestArchive {
  /** "v1.36.2" */
  readonly version: string;
  readonly url: string;
  /** SHA-512, hexadecimal. */
  readonly hash: string;
}

/**
 * Returns a folder with the programs for the minor release of `version` ("v1.36.3"), or undefined
 * when there is none to be had from here; the progress line says why.
 */
export async function envtestPrograms(
  version: string,
  progress: Progress,
  indexUrl: string = publishedIndex,
): Promise<string | undefined> {
  const key = { minor: minorOf(version), arch: process.arch, indexUrl };
  let step: ProgressStep | undefined;
  try {
    const { dir } = await cached(
      "envtest",
      key,
      async (fresh) => {
        step = progress.step(`fetch Kubernetes ${minorOf(version)} for tests`);
        const archive = newestArchive(await fetchIndex(indexUrl), version);
        await unpack(archive, fresh, step);
        step.done({ detail: archive.version });
      },
      progress,
    );
    return dir;
  } catch (cause) {
    // Not a failure of ours yet: the next way is tried, and says so if it fails too.
    step?.done({ detail: `not from here: ${reasonOf(cause)}` });
    return undefined;
  }
}

async function fetchIndex(url: string): Promise<Index> {
  const response = await fetch(url, { signal: AbortSignal.timeout(indexTimeoutMs) });
  if (!response.ok) throw new Error(`the index answers ${response.status}`);
  return indexSchema.parse(parse(await response.text()));
}

/** The newest patch release of the same minor for this machine. Throws when the index has none. */
export function newestArchive(index: Index, version: string): EnvtestArchive {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const minor = minorOf(version);
  const found = Object.entries(index.releases)
    .filter(([release]) => /^v\d+\.\d+\.\d+$/.test(release) && minorOf(release) === minor)
    .flatMap(([release, archives]) => {
      const entry = archives[`envtest-${release}-linux-${arch}.tar.gz`];
      return entry ? [{ version: release, url: entry.selfLink, hash: entry.hash }] : [];
    })
    .toSorted((a, b) => patchOf(b.version) - patchOf(a.version))[0];
  if (found === undefined) throw new Error(`the index has no ${minor} for linux-${arch}`);
  return found;
}

async function unpack(archive: EnvtestArchive, dir: string, step: ProgressStep): Promise<void> {
  const response = await fetch(archive.url, { signal: AbortSignal.timeout(archiveTimeoutMs) });
  if (!response.ok || response.body === null) {
    throw new Error(`${archive.version} answers ${response.status}`);
  }
  const digest = createHash("sha512");
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      digest.update(chunk);
      bytes += chunk.length;
      step.note(`${archive.version}, ${(bytes / 1e6).toFixed(0)} MB`);
      done(null, chunk);
    },
  });
  const file = join(dir, "archive.tar.gz");
  await pipeline(Readable.fromWeb(response.body), measure, createWriteStream(file));
  if (digest.digest("hex") !== archive.hash) {
    throw new Error(`${archive.version} has another SHA-512 than its index says`);
  }
  // The programs lie in controller-tools/envtest/ inside.
  await runProgram("tar", ["-xzf", file, "-C", dir, "--strip-components=2", "--no-same-owner"]);
  await rm(file);
}

function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

function patchOf(version: string): number {
  return Number(version.split(".")[2]);
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause instanceof Error ? `: ${cause.cause.message}` : "";
  return `${cause.message}${inner}`.split("\n", 1)[0] ?? "";
}

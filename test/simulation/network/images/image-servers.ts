// The image servers of the simulated world: files that change while they are fetched, with the validators that tell
// it, and everything that makes a download hard: silence, early ends, errors, detours. Beside each file are its
// checksum files. They answer until told otherwise, and live for ever.
import type { HttpClient, HttpRequest, ServerResponse } from "../../../../site-agent/ports.ts";
import { answerFor } from "../../../support/memory-image-server.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Random } from "../../kernel/random.ts";
import type { Happened } from "../../world/events.ts";
import { Connection, Peer } from "../connection.ts";
import { exchange } from "../exchange.ts";
import { Lane } from "../lane.ts";
import type { Scan } from "../segment-watch.ts";

/** Instead of the file: 404, 500, or a redirect that leads to nothing good. */
export const imageTroubles = ["missing", "failing", "loop", "metadata service"] as const;

/** Knobs of one file. */
export interface ImageKnobs {
  trouble: (typeof imageTroubles)[number] | undefined;
  /** Answers stand still in the middle. */
  stalled: boolean;
  /** So many answers end in the middle. */
  truncations: number;
  /** In the middle of so many answers the content changes to the next version, in the same file or beside it. */
  changes: number;
  bytesPerMs: number;
  redirect: "none" | "same host" | "other host";
  /** What the server says of the file. */
  etag: "strong" | "weak" | "none";
  ranges: boolean;
}

export const usualBytesPerMs = 8 * 1024;

const usual: ImageKnobs = {
  trouble: undefined,
  stalled: false,
  truncations: 0,
  changes: 0,
  bytesPerMs: usualBytesPerMs,
  redirect: "none",
  etag: "strong",
  ranges: true,
};

/** Contents of a file, the first is version 1. */
export interface VersionedFile {
  readonly url: string;
  readonly versions: readonly { readonly bytes: Uint8Array; readonly sha256: string }[];
}

interface Stored extends VersionedFile {
  readonly knobs: ImageKnobs;
  /** Its knobs when nothing is wrong. */
  readonly healthy: ImageKnobs;
  /** Of `versions`, from 0. */
  at: number;
  /** Counts changes; part of the ETag, so that content that comes back is another file. */
  edition: number;
  changedAtMs: number;
}

export interface ImageServersOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly tell: (happened: Happened) => void;
  readonly scan: Scan;
  /** Where "other host" leads: answers as the first one does. */
  readonly mirror: string;
}

const chunkBytes = 128 * 1024;
/** Smaller ones when a server is slow: so often something comes. */
const chunkMs = 5_000;
const movedPath = "/moved";
/** A body that stands still looks so often whether it may go on. */
const stillMs = 2_000;

export class ImageServers {
  /** For all origins of the files, and the mirror. */
  readonly http: HttpClient;
  readonly #options: ImageServersOptions;
  readonly #files = new Map<string, Stored>();
  readonly #client = new Peer();
  readonly #lane: Lane;

  constructor(options: ImageServersOptions) {
    const { kernel, random } = options;
    this.#options = options;
    const conditions = { delay: { minMs: 2, jitterMs: 20 }, loss: 0 };
    this.#lane = new Lane(kernel, random.split("ways"), conditions);
    this.http = { request: (request) => this.#request(request) };
  }

  /** Files of one path on different hosts are one file. `oddities`: that it keeps when it is healed. */
  add(file: VersionedFile, oddities: Partial<ImageKnobs> = {}): void {
    const changedAtMs = this.#options.kernel.nowMs() - 86_400_000;
    const healthy = { ...usual, ...oddities };
    const stored = { ...file, healthy, knobs: { ...healthy }, at: 0, edition: 1, changedAtMs };
    this.#files.set(new URL(file.url).pathname, stored);
  }

  knobs(url: string): ImageKnobs {
    return this.#stored(url).knobs;
  }

  /** From now on the server has this version, from 1, of the file. */
  change(url: string, version: number): void {
    const file = this.#stored(url);
    file.knobs.changes = 0;
    if (file.at !== version - 1) this.#change(file, version - 1);
  }

  /** Everything as at the beginning; version 1 comes back. */
  heal(): void {
    for (const file of this.#files.values()) {
      Object.assign(file.knobs, file.healthy);
      if (file.at !== 0) this.#change(file, 0);
    }
  }

  #stored(url: string): Stored {
    const file = this.#files.get(new URL(url).pathname);
    if (file === undefined) throw new Error(`no image server has ${url}`);
    return file;
  }

  #change(file: Stored, at: number): void {
    if (file.versions[at] === undefined) throw new Error(`${file.url} has no version ${at + 1}`);
    file.at = at;
    file.edition += 1;
    file.changedAtMs = this.#options.kernel.nowMs();
  }

  #request(request: HttpRequest): ReturnType<HttpClient["request"]> {
    const { kernel, scan } = this.#options;
    scan("image request", request.url);
    const connection = new Connection(kernel, this.#client, { up: this.#lane, down: this.#lane });
    return exchange({
      kernel,
      connection,
      request,
      arrive: () => ({ kind: "answer", response: Promise.resolve(this.#answer(request)) }),
      onAnswer: () => {},
    });
  }

  #answer(request: HttpRequest): ServerResponse {
    const { pathname, origin } = new URL(request.url);
    const isMoved = pathname.startsWith(`${movedPath}/`);
    const path = isMoved ? pathname.slice(movedPath.length) : pathname;
    const file = this.#files.get(path);
    if (file === undefined) return this.#answerSum(path);
    const { knobs } = file;
    if (knobs.trouble === "failing") return { status: 500 };
    if (knobs.trouble === "missing") return { status: 404 };
    const location = this.#locationOf(knobs, { path, isMoved, origin });
    return location === undefined
      ? this.#answerFile(file, request)
      : { status: 302, headers: { location } };
  }

  /** "<file>.sha256" holds the digest alone, "<file>.sha256sum" as coreutils writes it. */
  #answerSum(path: string): ServerResponse {
    const [, of = "", kind] = /^(.*)\.(sha256|sha256sum)$/.exec(path) ?? [];
    const file = this.#files.get(of);
    if (file === undefined || file.knobs.trouble !== undefined) return { status: 404 };
    const { sha256 = "" } = file.versions[file.at] ?? {};
    const text = kind === "sha256" ? `${sha256}\n` : `${sha256}  ${of.split("/").at(-1)}\n`;
    return { status: 200, headers: { "content-type": "text/plain" }, body: Buffer.from(text) };
  }

  #locationOf(
    { trouble, redirect }: ImageKnobs,
    { path, isMoved, origin }: { path: string; isMoved: boolean; origin: string },
  ): string | undefined {
    const { mirror } = this.#options;
    if (trouble === "loop") return isMoved ? path : `${movedPath}${path}`;
    if (trouble === "metadata service") return "http://169.254.169.254/latest/meta-data/";
    switch (redirect) {
      case "none":
        return undefined;
      case "same host":
        return isMoved ? undefined : `${movedPath}${path}`;
      case "other host":
        return origin === mirror ? undefined : `${mirror}${path}`;
    }
  }

  #answerFile(file: Stored, request: HttpRequest): ServerResponse {
    const { knobs, url, at, edition, changedAtMs } = file;
    const sizeBytes = bytesOf(file).length;
    const tag = `${knobs.etag === "weak" ? "W/" : ""}"${edition.toString(16)}-${sizeBytes.toString(16)}"`;
    const { status, headers, from, to } = answerFor(
      {
        sizeBytes,
        ...(knobs.etag === "none" ? {} : { etag: tag }),
        lastModified: new Date(changedAtMs).toUTCString(),
        ranges: knobs.ranges,
      },
      request,
    );
    if (to > from) this.#options.tell({ kind: "image-served", url, version: at + 1 });
    return { status, headers, body: this.#body(file, from, to) };
  }

  async *#body(file: Stored, from: number, to: number): AsyncGenerator<Uint8Array, void> {
    const middle = from + Math.floor((to - from) / 2);
    const isTruncated = take(file.knobs, "truncations");
    const changes = file.versions.length > 1 && take(file.knobs, "changes");
    const before = bytesOf(file);
    yield* this.#pace(file, before, { from, to: middle });
    if (isTruncated) throw new Error("the server ends the transfer");
    while (file.knobs.stalled) await this.#options.kernel.sleep(stillMs);
    if (changes) this.#change(file, (file.at + 1) % file.versions.length);
    // A file that is replaced goes on as it was; one that is written over in its place does not.
    const isInPlace = changes && this.#options.random.chance(0.5);
    yield* this.#pace(file, isInPlace ? bytesOf(file) : before, { from: middle, to });
  }

  async *#pace(
    { knobs }: Stored,
    bytes: Uint8Array,
    { from, to }: { readonly from: number; readonly to: number },
  ): AsyncGenerator<Uint8Array, void> {
    let at = from;
    while (at < to) {
      const size = Math.min(chunkBytes, Math.ceil(knobs.bytesPerMs * chunkMs));
      const chunk = bytes.subarray(at, Math.min(at + size, to));
      at += chunk.length;
      await this.#options.kernel.sleep(chunk.length / knobs.bytesPerMs);
      yield chunk;
    }
  }
}

function bytesOf({ versions, at }: Stored): Uint8Array {
  return versions[at]?.bytes ?? new Uint8Array();
}

function take(knobs: ImageKnobs, which: "truncations" | "changes"): boolean {
  if (knobs[which] === 0) return false;
  knobs[which] -= 1;
  return true;
}

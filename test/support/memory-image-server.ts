// An image server of the network in memory: whole files and byte ranges with an ETag, as real ones give them.
import { createHash } from "node:crypto";
import { ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { HttpError, HttpRequest, HttpResponse } from "../../site-agent/ports.ts";
import type { WebServer } from "./memory-network.ts";

const chunkBytes = 256 * 1024;

/** A file as a server has it at a moment. */
export interface ServedFile {
  readonly sizeBytes: number;
  /** With its quotes; absent when the server gives none. */
  readonly etag?: string;
  /** As HTTP writes dates. */
  readonly lastModified?: string;
  /** False: ranges are ignored. */
  readonly ranges?: boolean;
}

/** What a file's server answers: status and head, and which bytes go into the body. */
export interface FileAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly from: number;
  /** Behind the last one. */
  readonly to: number;
}

/** RFC 9110 sections 13.1.5 and 14. One range only; of several the whole is given, which the RFC allows. */
export function answerFor(
  file: ServedFile,
  { headers = {}, method }: Pick<HttpRequest, "headers" | "method">,
): FileAnswer {
  const { sizeBytes } = file;
  const range = isUnchanged(file, headers["if-range"]) ? rangeOf(file, headers["range"]) : null;
  const validators = validatorsOf(file);
  const { from, last = sizeBytes - 1 } = range ?? { from: 0 };
  const to = Math.min(last + 1, sizeBytes);
  if (from >= sizeBytes && range !== null) {
    const place = `bytes */${sizeBytes}`;
    return { status: 416, headers: { ...validators, "content-range": place }, from: 0, to: 0 };
  }
  const body = method === "HEAD" ? { from: 0, to: 0 } : { from, to };
  const head = { ...validators, "content-length": String(to - from) };
  if (range === null) return { status: 200, headers: head, ...body };
  const place = `bytes ${from}-${to - 1}/${sizeBytes}`;
  return { status: 206, headers: { ...head, "content-range": place }, ...body };
}

/** A weak ETag says too little for parts. */
function isUnchanged({ etag, lastModified }: ServedFile, condition: string | undefined): boolean {
  if (condition === undefined) return true;
  return (condition === etag && !condition.startsWith("W/")) || condition === lastModified;
}

function validatorsOf({ etag, lastModified, ranges = true }: ServedFile): Record<string, string> {
  return {
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { "last-modified": lastModified }),
    ...(ranges ? { "accept-ranges": "bytes" } : {}),
  };
}

function rangeOf(
  { ranges = true }: ServedFile,
  header = "",
): { readonly from: number; readonly last?: number } | null {
  if (!ranges) return null;
  const [, from, last] = /^bytes=(\d+)-(\d*)$/.exec(header) ?? [];
  if (from === undefined) return null;
  return { from: Number(from), ...(last === "" ? {} : { last: Number(last) }) };
}

/** `find` gives the file of a path; undefined is 404. */
export function makeMemoryImageServer(
  find: (path: string) => Uint8Array | undefined,
): WebServer & { readonly requests: readonly HttpRequest[] } {
  const requests: HttpRequest[] = [];
  return {
    requests,
    http: {
      async request(request) {
        requests.push(request);
        const file = find(new URL(request.url).pathname);
        return ok(file === undefined ? answer(404, {}, new Uint8Array()) : serve(file, request));
      },
    },
  };
}

function serve(bytes: Uint8Array, request: HttpRequest): HttpResponse {
  const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"`;
  const { status, headers, from, to } = answerFor({ sizeBytes: bytes.length, etag }, request);
  return answer(status, headers, bytes.subarray(from, to));
}

function answer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): HttpResponse {
  return { status, headers, body: chunks(body) };
}

async function* chunks(body: Uint8Array): AsyncGenerator<Result<Uint8Array, HttpError>, void> {
  for (let at = 0; at < body.length; at += chunkBytes) {
    yield ok(body.subarray(at, at + chunkBytes));
  }
}

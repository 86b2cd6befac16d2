// An image server of the network in memory: whole files and byte ranges with an ETag, as real ones give them.
import { createHash } from "node:crypto";
import { ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { HttpError, HttpRequest, HttpResponse } from "../../site-agent/ports.ts";
import type { WebServer } from "./memory-network.ts";

const chunkBytes = 256 * 1024;

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

function serve(file: Uint8Array, { headers = {}, method }: HttpRequest): HttpResponse {
  const etag = `"${createHash("sha256").update(file).digest("hex").slice(0, 16)}"`;
  const condition = headers["if-range"];
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers["range"] ?? "");
  const isPart = range !== null && (condition === undefined || condition === etag);
  const from = isPart ? Number(range[1]) : 0;
  const to = isPart && range[2] !== "" ? Math.min(Number(range[2]), file.length - 1) : undefined;
  const part = file.subarray(from, (to ?? file.length - 1) + 1);
  const length = { etag, "accept-ranges": "bytes", "content-length": String(part.length) };
  const body = method === "HEAD" ? new Uint8Array() : part;
  if (!isPart) return answer(200, length, body);
  const place = `bytes ${from}-${from + part.length - 1}/${file.length}`;
  return answer(206, { ...length, "content-range": place }, body);
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

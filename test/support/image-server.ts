// An HTTP server on the loopback for image files, with byte ranges and ETags like a real one, and the ways in
// which real ones fail: no ranges, a changed file, a transfer that breaks off or waits.
import { open } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ServedImage {
  readonly path: string;
  readonly etag?: string;
  /** False: every answer is the whole file. */
  readonly ranges?: boolean;
  /** False: no Content-Length, chunked. */
  readonly announced?: boolean;
  /** Awaited before the byte at this place of the file goes out. Throwing breaks the connection off. */
  readonly beforeByte?: (offset: number, request: SeenRequest) => Promise<void>;
}

export interface SeenRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly headers: IncomingMessage["headers"];
}

export type Answer =
  | { readonly image: ServedImage }
  | { readonly text: string }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly text?: string };

export interface ImageServer {
  readonly url: string;
  readonly port: number;
  /** Every request so far, in order. */
  readonly requests: SeenRequest[];
  /** What a path gives from now on. */
  serve(path: string, answer: Answer): void;
  close(): Promise<void>;
}

export async function startImageServer(): Promise<ImageServer> {
  const answers = new Map<string, Answer>();
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const seen = { path, range: request.headers.range, headers: request.headers };
    requests.push(seen);
    const answer = answers.get(path) ?? { status: 404 };
    respond(answer, seen, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    serve: (path, answer) => void answers.set(path, answer),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(answer: Answer, seen: SeenRequest, response: ServerResponse): Promise<void> {
  if ("text" in answer && !("status" in answer)) {
    response.end(answer.text);
  } else if ("status" in answer) {
    response.writeHead(answer.status, answer.headers);
    response.end(answer.text);
  } else {
    await sendImage(answer.image, seen, response);
  }
}

async function sendImage(image: ServedImage, seen: SeenRequest, response: ServerResponse) {
  const file = await open(image.path);
  try {
    const { size } = await file.stat();
    const asked = image.ranges === false ? undefined : rangeOf(seen, image.etag, size);
    const { from, to } = asked ?? { from: 0, to: size - 1 };
    response.writeHead(asked === undefined ? 200 : 206, headersOf(image, asked, size));
    for (let at = from; at <= to;) {
      await image.beforeByte?.(at, seen);
      const chunk = Buffer.alloc(Math.min(256 * 1024, to + 1 - at));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) break;
      await write(response, chunk.subarray(0, bytesRead));
      at += bytesRead;
    }
    response.end();
  } finally {
    await file.close();
  }
}

function headersOf(
  image: ServedImage,
  asked: { from: number; to: number } | undefined,
  size: number,
): Record<string, string> {
  const { from, to } = asked ?? { from: 0, to: size - 1 };
  return {
    ...(image.announced === false ? {} : { "content-length": String(to - from + 1) }),
    ...(image.etag === undefined ? {} : { etag: image.etag }),
    ...(image.ranges === false ? {} : { "accept-ranges": "bytes" }),
    ...(asked === undefined ? {} : { "content-range": `bytes ${from}-${to}/${size}` }),
  };
}

function rangeOf(seen: SeenRequest, etag: string | undefined, size: number) {
  const range = /^bytes=(\d+)-(\d*)$/.exec(seen.range ?? "");
  const condition = seen.headers["if-range"];
  if (range === null || (condition !== undefined && condition !== etag)) return undefined;
  const to = range[2] === "" ? size - 1 : Math.min(Number(range[2]), size - 1);
  return { from: Number(range[1]), to };
}

function write(response: ServerResponse, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

// The HttpServer port on node:http and `ws`. It routes nothing and knows no paths; request bodies
// are read where a server asks for them, whole and bounded.

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse as NodeResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex as ByteDuplex } from "node:stream";
import { WebSocketServer } from "ws";
import { err, ok } from "../../shared/result.ts";
import type { HttpServer, Log, ServerOptions, ServerRequest, ServerResponse } from "../ports.ts";
import { defaultDuplexLimits, wsDuplex } from "./ws-duplex.ts";
import type { DuplexLimits } from "./ws-duplex.ts";

/** Subprotocols that an upgrade may ask for; the handler sees which in `sec-websocket-protocol`. */
const subprotocols: readonly string[] = ["farrier.v1", "farrier.ramdisk.v1"];

// Firmware HTTP clients are slow to read, but a client that does nothing for minutes is gone.
const idleTimeoutMs = 300_000;

export interface NodeHttpServerOptions {
  readonly log: Log;
  readonly limits?: DuplexLimits;
}

export function makeNodeHttpServer({
  log,
  limits = defaultDuplexLimits,
}: NodeHttpServerOptions): HttpServer {
  return {
    listen(options) {
      const server: Server =
        options.tls === undefined
          ? createServer({ noDelay: true })
          : createTlsServer({ key: options.tls.keyPem, cert: options.tls.certPem });
      server.setTimeout(idleTimeoutMs);
      server.on("request", (request: IncomingMessage, response: NodeResponse) => {
        void answer(options, log, { request, response });
      });
      const closeSockets = acceptUpgrades(server, options, limits);
      const close = (): Promise<void> =>
        new Promise((resolve) => {
          closeSockets();
          server.close(() => resolve());
          server.closeAllConnections();
        });
      return new Promise((resolve, reject) => {
        server.once("error", (cause: NodeJS.ErrnoException) => {
          const where = `${options.address}:${options.port}`;
          if (cause.code === "EADDRINUSE") resolve(err("in-use", `${where} is in use already`));
          else if (cause.code === "EACCES") resolve(err("denied", `May not listen on ${where}`));
          else if (cause.code === "EADDRNOTAVAIL") {
            resolve(err("denied", `No network interface has the address of ${where}`));
          } else reject(cause);
        });
        server.listen({ host: options.address, port: options.port }, () => {
          resolve(ok({ port: (server.address() as AddressInfo).port, close }));
        });
      });
    },
  };
}

async function answer(
  options: ServerOptions,
  log: Log,
  { request, response }: { readonly request: IncomingMessage; readonly response: NodeResponse },
): Promise<void> {
  response.on("error", () => {});
  response.strictContentLength = true;
  try {
    const body = await readBody(request, options.maxBodyBytes);
    if (body === "too-large") {
      response.writeHead(413, { connection: "close" }).end();
      return;
    }
    const asked = serverRequest(request);
    const reply = await options.handle(body === undefined ? asked : { ...asked, body });
    await write(response, reply, request.method === "HEAD");
  } catch (cause) {
    // The path without its query, which may hold a token.
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    log.error("http request failed", { method: request.method, path, error: String(cause) });
    // The client must not take what it has for whole.
    if (response.headersSent) response.destroy();
    else response.writeHead(500).end();
  }
}

async function readBody(
  request: IncomingMessage,
  maxBytes: number | undefined,
): Promise<Uint8Array | "too-large" | undefined> {
  if (maxBytes === undefined) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The connection stays: it carries the answer that the body is too large.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const piece = chunk as Buffer;
    bytes += piece.length;
    if (bytes > maxBytes) return "too-large";
    chunks.push(piece);
  }
  return Buffer.concat(chunks);
}

async function write(
  response: NodeResponse,
  reply: ServerResponse,
  headOnly: boolean,
): Promise<void> {
  const body = reply.body ?? new Uint8Array();
  const length = body instanceof Uint8Array ? { "content-length": String(body.length) } : {};
  response.writeHead(reply.status, { ...length, ...reply.headers });
  if (headOnly) response.end();
  else if (body instanceof Uint8Array) response.end(body);
  else await stream(response, body);
}

async function stream(response: NodeResponse, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of body) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

function drained(response: NodeResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.once("drain", done);
    response.once("close", done);
  });
}

/** Returns what closes every open WebSocket. */
function acceptUpgrades(server: Server, options: ServerOptions, limits: DuplexLimits): () => void {
  // Without a listener Node treats an upgrade as an ordinary request, which is then answered.
  if (options.upgrade === undefined) return () => {};
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.maxMessageBytes,
    handleProtocols: (offered) => [...offered].find((name) => subprotocols.includes(name)) ?? false,
  });
  server.on("upgrade", (request: IncomingMessage, socket: ByteDuplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (!offersOurs(request)) {
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      options.upgrade?.(serverRequest(request), wsDuplex(opened, limits));
    });
  });
  return () => {
    for (const socket of sockets.clients) socket.terminate();
  };
}

function offersOurs(request: IncomingMessage): boolean {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",");
  return offered.some((name) => subprotocols.includes(name.trim()));
}

function serverRequest(request: IncomingMessage): ServerRequest {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  const { remoteAddress, remotePort } = request.socket;
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers,
    remote: { address: remoteAddress ?? "", port: remotePort ?? 0 },
  };
}

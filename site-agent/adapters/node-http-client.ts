// The HttpClient port on node:http. One connection for each request, unless it asks for a kept one: old BMC web
// servers hang on those. Follows no redirects, decodes no content encodings, retries nothing but what a kept connection
// lost by being closed.

import { request as requestHttp } from "node:http";
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import { err, ok, quote } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { HttpClient, HttpError, HttpRequest, HttpResponse } from "../ports.ts";
import { KeptConnections, NotConnected } from "./kept-connections.ts";
import { connect, targetOf } from "./node-connect.ts";

/**
 * `timeoutMs` of a request bounds connecting, the wait for the response's head, and each wait for
 * more of its body; a body that nobody reads is dropped after the same time.
 */
export function makeNodeHttpClient(): HttpClient {
  const kept = new Map<string, KeptConnections>();
  const client: HttpClient = {
    async request(request) {
      const url = URL.canParse(request.url) ? new URL(request.url) : undefined;
      if (url === undefined || !/^https?:$/.test(url.protocol)) {
        return err("unreachable", `Address ${quote(request.url)} is not an http or https URL`);
      }
      if (mayKeep(request, url)) {
        const sent = send(request, url, { agent: keptFor(kept, request, url) });
        const answer = await receive(sent, {
          request,
          where: url.host,
          headTimeoutMs: request.timeoutMs,
        });
        // The server had just closed it.
        const isStale = sent.reusedSocket && !answer.ok && answer.error.kind === "unreachable";
        return isStale ? await client.request({ ...request, keepConnection: false }) : answer;
      }
      const startedAt = performance.now();
      const secure = url.protocol === "https:";
      const connected = await connect({
        ...targetOf(url),
        ...(secure ? { tls: { ca: request.ca, fingerprint: request.fingerprint } } : {}),
        timeoutMs: request.timeoutMs,
        signal: request.signal,
        allowAddress: request.allowAddress,
      });
      if (!connected.ok) return connected;
      const leftMs = request.timeoutMs - (performance.now() - startedAt);
      const sent = send(request, url, { createConnection: () => connected.value });
      return receive(sent, { request, where: url.host, headTimeoutMs: Math.max(1, leftMs) });
    },
  };
  return client;
}

/** Which address a connection of before leads to was not asked for this request. */
function mayKeep({ keepConnection, allowAddress }: HttpRequest, { protocol }: URL): boolean {
  return keepConnection === true && protocol === "https:" && allowAddress === undefined;
}

function keptFor(
  kept: Map<string, KeptConnections>,
  { ca, fingerprint, timeoutMs }: HttpRequest,
  url: URL,
): KeptConnections {
  const key = JSON.stringify([url.origin, ca, fingerprint]);
  const tls = { ca, fingerprint };
  const known =
    kept.get(key) ?? new KeptConnections(() => connect({ ...targetOf(url), tls, timeoutMs }));
  kept.set(key, known);
  return known;
}

function send(
  request: HttpRequest,
  url: URL,
  over: { readonly agent: KeptConnections } | { readonly createConnection: () => Socket },
): ClientRequest {
  const body = request.body;
  const options = {
    ...targetOf(url),
    method: request.method,
    path: url.pathname + url.search,
    headers: {
      ...request.headers,
      ...("agent" in over ? {} : { connection: "close" }),
      ...(body === undefined ? {} : { "content-length": String(body.length) }),
    },
    ...over,
  };
  const sent = url.protocol === "https:" ? requestHttps(options) : requestHttp(options);
  sent.end(body);
  return sent;
}

interface Exchange {
  readonly request: HttpRequest;
  /** For messages; never the path or query, which may hold a token. */
  readonly where: string;
  readonly headTimeoutMs: number;
}

function receive(
  sent: ClientRequest,
  { request, where, headTimeoutMs }: Exchange,
): Promise<Result<HttpResponse, HttpError>> {
  return new Promise((resolve) => {
    const onAbort = (): void => {
      sent.destroy();
      settle(err("aborted", `Request to ${where} was given up`));
    };
    const timer = setTimeout(() => {
      sent.destroy();
      settle(err("timeout", `${where} did not answer in ${request.timeoutMs} ms`));
    }, headTimeoutMs);
    const settle = (result: Result<HttpResponse, HttpError>): void => {
      clearTimeout(timer);
      resolve(result);
    };
    sent.once("close", () => request.signal?.removeEventListener("abort", onAbort));
    sent.on("error", (cause) => {
      if (cause instanceof NotConnected) return settle(cause.failure);
      settle(err("unreachable", `${where} broke the connection off: ${cause.message}`));
    });
    // A server may offer another protocol unasked; we want none.
    sent.on("upgrade", (_response, socket) => socket.destroy());
    sent.on("response", (response) => {
      settle(
        ok({
          status: response.statusCode ?? 0,
          headers: flatHeaders(response.headers),
          body: bodyOf(response, request, where),
        }),
      );
    });
    request.signal?.addEventListener("abort", onAbort);
    if (request.signal?.aborted === true) onAbort();
  });
}

function flatHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return flat;
}

type Item = Result<Uint8Array, HttpError>;

function bodyOf(
  response: IncomingMessage,
  request: HttpRequest,
  where: string,
): AsyncIterable<Item> {
  response.on("error", () => {});
  if (hasNoBody(response, request)) {
    response.resume();
    return noBody();
  }
  // Many callers look at the status alone; the connection must not stay open for them.
  const unread = setTimeout(() => response.destroy(), request.timeoutMs);
  response.once("close", () => clearTimeout(unread));
  return readBody(response, { request, where, onStart: () => clearTimeout(unread) });
}

// RFC 9110 section 6.4.1.
function hasNoBody({ statusCode, headers }: IncomingMessage, { method }: HttpRequest): boolean {
  if (method === "HEAD" || statusCode === 204 || statusCode === 304) return true;
  return headers["content-length"] === "0";
}

async function* noBody(): AsyncGenerator<Item, void> {}

interface BodyReading {
  readonly request: HttpRequest;
  readonly where: string;
  readonly onStart: () => void;
}

async function* readBody(
  response: IncomingMessage,
  { request: { signal, timeoutMs }, where, onStart }: BodyReading,
): AsyncGenerator<Item, void> {
  onStart();
  const chunks: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await within(chunks.next(), timeoutMs);
      if (signal?.aborted === true) return yield err("aborted", `Transfer from ${where} given up`);
      if (next === "late") {
        return yield err("timeout", `${where} sent nothing for ${timeoutMs} ms`);
      }
      if (next.done === true) break;
      yield ok(next.value);
    }
    if (!response.complete) yield truncated(where);
  } catch {
    yield signal?.aborted === true
      ? err("aborted", `Transfer from ${where} was given up`)
      : truncated(where);
  } finally {
    response.destroy();
  }
}

function truncated(where: string): Item {
  return err("truncated", `${where} ended the transfer before its end`);
}

function within<T>(work: Promise<T>, timeoutMs: number): Promise<T | "late"> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve("late"), timeoutMs);
    work.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}

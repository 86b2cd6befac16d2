// Opens the TCP or TLS connection under the HTTP client and the duplex client. The server's
// certificate is checked here, before a single byte of a request is written: with a pinned
// fingerprint Node itself would send headers first and ask afterwards.

import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls, getCACertificates } from "node:tls";
import type { TLSSocket } from "node:tls";
import { err, ok, quote } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { HttpError } from "../ports.ts";

export interface ConnectOptions {
  readonly hostname: string;
  readonly port: number;
  /** TLS with these roots (PEM) or this pinned SHA-256 of the certificate (hex); TCP when absent. */
  readonly tls?: { readonly ca: string | undefined; readonly fingerprint: string | undefined };
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Asked with the peer's address; a connection to any other is closed unused. */
  readonly allowAddress?: ((address: string) => boolean) | undefined;
}

/** Resolves when the connection may be written to. The caller owns the socket. */
export function connect(options: ConnectOptions): Promise<Result<Socket, HttpError>> {
  const where = `${options.hostname}:${options.port}`;
  return new Promise((resolve) => {
    const socket = options.tls === undefined ? openTcp(options) : openTls(options, options.tls);
    const connected = options.tls === undefined ? "connect" : "secureConnect";
    let inHandshake = false;
    const settle = (result: Result<Socket, HttpError>): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
      socket.off("error", onError);
      if (!result.ok) {
        socket.on("error", () => {});
        socket.destroy();
      }
      resolve(result);
    };
    const onError = (cause: Error): void => settle(failure(cause, where, inHandshake));
    const onAbort = (): void => settle(err("aborted", `Connection to ${where} was given up`));
    const timer = setTimeout(() => {
      settle(err("timeout", `${where} did not accept a connection in ${options.timeoutMs} ms`));
    }, options.timeoutMs);
    socket.on("error", onError);
    socket.once("connect", () => {
      inHandshake = options.tls !== undefined;
      const address = socket.remoteAddress ?? "";
      if (options.allowAddress === undefined || options.allowAddress(address)) return;
      settle(err("unreachable", `${where} is at ${address}, which is not allowed`));
    });
    socket.once(connected, () => {
      const wrong = pinFailure(socket, options.tls?.fingerprint);
      settle(wrong === undefined ? ok(socket) : err("tls", `${where} ${wrong}`));
    });
    options.signal?.addEventListener("abort", onAbort);
    if (options.signal?.aborted === true) onAbort();
  });
}

/** Host without the brackets of an IPv6 literal, and the port that the scheme implies. */
export function targetOf(url: URL): { readonly hostname: string; readonly port: number } {
  const secure = url.protocol === "https:" || url.protocol === "wss:";
  const fallback = secure ? 443 : 80;
  return {
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? fallback : Number(url.port),
  };
}

function openTcp({ hostname, port }: ConnectOptions): Socket {
  return connectTcp({ host: hostname, port, noDelay: true });
}

function openTls(
  { hostname, port }: ConnectOptions,
  { ca, fingerprint }: NonNullable<ConnectOptions["tls"]>,
): TLSSocket {
  // RFC 6066 section 3: no IP address as server name.
  const isName = !/^[\d.]+$|:/.test(hostname);
  const socket = connectTls({
    host: hostname,
    port,
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: fingerprint === undefined,
    ca: ca ?? systemRoots(),
    ...(isName ? { servername: hostname } : {}),
  });
  socket.setNoDelay(true);
  return socket;
}

let roots: string[] | undefined;

// Node's own list alone would not know a company's root that the administrator installed.
function systemRoots(): string[] {
  roots ??= [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
  return roots;
}

function pinFailure(socket: Socket, fingerprint: string | undefined): string | undefined {
  if (fingerprint === undefined) return undefined;
  const seen = normalHex((socket as TLSSocket).getPeerCertificate().fingerprint256 ?? "");
  if (seen !== "" && seen === normalHex(fingerprint)) return undefined;
  return `has a certificate with SHA-256 ${quote(seen)}, not the pinned ${quote(normalHex(fingerprint))}`;
}

function normalHex(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase();
}

function failure(cause: Error, where: string, inHandshake: boolean): Result<Socket, HttpError> {
  const code = "code" in cause ? String(cause.code) : cause.message;
  const closed = code === "ECONNRESET" || code === "EPIPE" || code === "ETIMEDOUT";
  if (inHandshake && !closed) {
    return err("tls", `Cannot trust ${where}: ${cause.message} (${code})`);
  }
  return err("unreachable", `Cannot connect to ${where}: ${code}`);
}

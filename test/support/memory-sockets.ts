// The ports of one machine on a network in memory: which UDP socket takes a datagram, which server a request. Carries
// nothing itself.
import { createHash } from "node:crypto";
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type {
  HttpError,
  HttpRequest,
  HttpServer,
  ServerOptions,
  Udp,
  UdpAddress,
  UdpOptions,
} from "../../site-agent/ports.ts";

const unset = "0.0.0.0";
const broadcast = "255.255.255.255";

/** Puts a datagram on the wire. */
export type Transmit = (data: Uint8Array, from: UdpAddress, to: UdpAddress) => void;

export class MemorySockets {
  /** "0.0.0.0" until it is known; may change, as by DHCP. */
  address: string;
  readonly #makePort: () => number;
  readonly #transmit: Transmit;
  /** By port. */
  readonly #bound = new Map<number, UdpOptions[]>();
  readonly #listeners = new Map<number, ServerOptions>();

  /** `makePort` gives a port that nobody uses. */
  constructor(address: string, makePort: () => number, transmit: Transmit) {
    this.address = address;
    this.#makePort = makePort;
    this.#transmit = transmit;
  }

  bind(asked: UdpOptions): Awaited<ReturnType<Udp["bind"]>> {
    if (asked.device !== undefined) return err("unsupported", "no devices here");
    const options = { ...asked, port: asked.port === 0 ? this.#makePort() : asked.port };
    const { address, port } = options;
    const others = this.#bound.get(port) ?? [];
    if (others.some((other) => other.address === address)) {
      return err("in-use", `${address} port ${port} is in use`);
    }
    this.#bound.set(port, [...others, options]);
    const local = (): UdpAddress => ({ address: address === unset ? this.address : address, port });
    return ok({
      local: local(),
      send: (data, to) => {
        if (this.#isBound(options)) this.#transmit(data, local(), to);
      },
      close: () => this.#unbind(options),
    });
  }

  /** Whether a datagram to this address is for this machine. */
  hears(address: string): boolean {
    return address === broadcast || address === this.address;
  }

  has(port: number): boolean {
    return this.#bound.has(port);
  }

  #isBound(options: UdpOptions): boolean {
    return this.#bound.get(options.port)?.includes(options) === true;
  }

  #unbind(options: UdpOptions): void {
    const left = (this.#bound.get(options.port) ?? []).filter((other) => other !== options);
    if (left.length === 0) this.#bound.delete(options.port);
    else this.#bound.set(options.port, left);
  }

  receive(data: Uint8Array, from: UdpAddress, to: UdpAddress): void {
    const open = this.#bound.get(to.port) ?? [];
    // As Linux does: the most special socket, and broadcasts only to sockets on all addresses.
    const socket =
      open.find(({ address }) => address === to.address) ??
      open.find(({ address }) => address === unset);
    socket?.onMessage(data, from);
  }

  listen(options: ServerOptions): Awaited<ReturnType<HttpServer["listen"]>> {
    const port = options.port === 0 ? this.#makePort() : options.port;
    if (this.#listeners.has(port)) return err("in-use", `port ${port} is in use`);
    this.#listeners.set(port, options);
    return ok({ port, close: async () => void this.#listeners.delete(port) });
  }

  listener(port: number): ServerOptions | undefined {
    return this.#listeners.get(port);
  }

  close(): void {
    this.#bound.clear();
    this.#listeners.clear();
  }
}

export interface Target {
  readonly hostname: string;
  readonly port: number;
  readonly secure: boolean;
}

/** Where an http, https, ws or wss URL leads. */
export function targetOf(url: string): Target {
  const { hostname, port, protocol } = new URL(url);
  const secure = protocol === "https:" || protocol === "wss:";
  return { hostname, port: Number(port) || (secure ? 443 : 80), secure };
}

/** The server, if it and the client agree about TLS. */
export function agreedServer(
  server: ServerOptions | undefined,
  { hostname, port, secure }: Target,
  { fingerprint }: Pick<HttpRequest, "fingerprint">,
): Result<ServerOptions, HttpError> {
  if (server === undefined) return err("unreachable", `nobody at ${hostname}:${port}`);
  const { tls } = server;
  if (secure !== (tls !== undefined)) return err("tls", "TLS on one side only");
  const isOther = tls !== undefined && fingerprint !== fingerprintOf(tls.certPem);
  return isOther ? err("tls", "another certificate than the pinned one") : ok(server);
}

const fingerprints = new Map<string, string>();

function fingerprintOf(certPem: string): string {
  const known = fingerprints.get(certPem);
  if (known !== undefined) return known;
  const der = Buffer.from(certPem.replaceAll(/-----[A-Z ]+-----|\s/g, ""), "base64");
  const fingerprint = createHash("sha256").update(der).digest("hex");
  fingerprints.set(certPem, fingerprint);
  return fingerprint;
}

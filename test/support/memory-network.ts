// A network in memory for the Udp, HttpClient, HttpServer and DuplexClient ports: nodes with an address each on one
// broadcast domain, and web servers outside it. No sockets and no clock of its own, so it serves virtual time and
// real time alike. A node that leaves is a pulled plug: nobody is told.
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type {
  DuplexClient,
  DuplexRequest,
  HttpClient,
  HttpError,
  HttpRequest,
  HttpServer,
  ServerOptions,
  ServerRequest,
  ServerResponse,
  Udp,
  UdpAddress,
} from "../../site-agent/ports.ts";
import { makeDuplexPair } from "./memory-duplex.ts";
import { agreedServer, MemorySockets, targetOf } from "./memory-sockets.ts";

/** A server outside: what is asked of its origin goes to it as it stands. */
export interface WebServer {
  readonly http: HttpClient;
  readonly duplexes?: DuplexClient;
}

export interface MemoryNetwork {
  /** A machine on the network; "0.0.0.0" until it has an address. */
  join(address?: string): MemoryNode;
  /** `origin` as http://images.example. */
  addWebServer(origin: string, server: WebServer): void;
}

export interface MemoryNode {
  /** May change, as by DHCP. */
  address: string;
  readonly udp: Udp;
  readonly http: HttpClient;
  readonly duplexes: DuplexClient;
  readonly server: HttpServer;
  /** From now on nothing comes from here and nothing arrives: calls stay without an answer. */
  leave(): void;
}

const unset = "0.0.0.0";

/** `deliver` calls what it is given later, in the order of the calls; a turn later when absent. */
export function makeMemoryNetwork(
  deliver: (run: () => void) => void = queueMicrotask,
): MemoryNetwork {
  const wire: Wire = { nodes: new Set(), web: new Map(), deliver };
  return {
    join(address = unset) {
      const node = new Node(wire, address);
      wire.nodes.add(node);
      return node;
    },
    addWebServer: (origin, server) => void wire.web.set(new URL(origin).origin, server),
  };
}

interface Wire {
  readonly nodes: Set<Node>;
  readonly web: Map<string, WebServer>;
  readonly deliver: (run: () => void) => void;
}

class Node implements MemoryNode {
  readonly udp: Udp;
  readonly http: HttpClient;
  readonly duplexes: DuplexClient;
  readonly server: HttpServer;
  readonly sockets: MemorySockets;
  readonly #wire: Wire;
  readonly #cuts: (() => void)[] = [];
  #gone = false;
  #nextPort = 40_000;

  constructor(wire: Wire, address: string) {
    this.#wire = wire;
    this.sockets = new MemorySockets(
      address,
      () => this.#port(),
      (data, from, to) => this.#transmit(data, from, to),
    );
    this.udp = { bind: async (options) => this.sockets.bind(options) };
    this.http = { request: (request) => this.#request(request) };
    this.duplexes = { connect: (request) => this.#connect(request) };
    this.server = { listen: async (options) => this.sockets.listen(options) };
  }

  get address(): string {
    return this.sockets.address;
  }

  set address(address: string) {
    this.sockets.address = address;
  }

  leave(): void {
    this.#gone = true;
    this.#wire.nodes.delete(this);
    this.sockets.close();
    for (const cut of this.#cuts.splice(0)) cut();
  }

  #transmit(data: Uint8Array, from: UdpAddress, to: UdpAddress): void {
    this.#wire.deliver(() => {
      for (const { sockets } of this.#wire.nodes) {
        if (sockets !== this.sockets && sockets.hears(to.address)) sockets.receive(data, from, to);
      }
    });
  }

  async #request(request: HttpRequest): Promise<Result<HttpResponse, HttpError>> {
    await this.#onTheWay();
    const web = this.#wire.web.get(new URL(request.url).origin);
    if (web !== undefined) return await web.http.request(request);
    const listener = this.#find(request);
    if (!listener.ok) return listener;
    const asked = this.#asServed(request.method, request);
    const body = request.body ?? new Uint8Array();
    const takesBodies = listener.value.maxBodyBytes !== undefined;
    const response = await listener.value.handle(takesBodies ? { ...asked, body } : asked);
    await this.#onTheWay();
    return ok({
      status: response.status,
      headers: response.headers ?? {},
      body: this.#bodyOf(response, request.signal),
    });
  }

  async #connect(request: DuplexRequest): ReturnType<DuplexClient["connect"]> {
    await this.#onTheWay();
    const web = this.#wire.web.get(new URL(request.url.replace(/^ws/, "http")).origin);
    if (web?.duplexes !== undefined) return await web.duplexes.connect(request);
    const listener = this.#find(request);
    if (!listener.ok) return listener;
    if (listener.value.upgrade === undefined) return err("refused", "no WebSockets here");
    const pair = makeDuplexPair(this.#wire.deliver);
    this.#cuts.push(() => pair.cut());
    const headers = { ...request.headers, "sec-websocket-protocol": request.protocol };
    listener.value.upgrade(this.#asServed("GET", { ...request, headers }), pair.server);
    return ok(pair.client);
  }

  #find(request: Asked): Result<ServerOptions, HttpError> {
    const target = targetOf(request.url);
    const node = [...this.#wire.nodes].find(({ address }) => address === target.hostname);
    return agreedServer(node?.sockets.listener(target.port), target, request);
  }

  #asServed(method: string, { url, headers = {} }: Pick<Asked, "url" | "headers">): ServerRequest {
    const { pathname, search } = new URL(url.replace(/^ws/, "http"));
    const remote = { address: this.address, port: this.#port() };
    return { method, path: pathname + search, headers, remote };
  }

  async *#bodyOf(
    { body }: ServerResponse,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Result<Uint8Array, HttpError>, void> {
    const chunks = body === undefined ? [] : body instanceof Uint8Array ? [body] : body;
    try {
      for await (const chunk of chunks) {
        if (signal?.aborted === true) return yield err("aborted", "the transfer was given up");
        await this.#onTheWay();
        yield ok(chunk);
      }
    } catch {
      yield err("truncated", "the transfer broke off");
    }
  }

  /** The time that a message takes; of a node that has left none ever arrives. */
  #onTheWay(): Promise<void> {
    return new Promise((resolve) => {
      this.#wire.deliver(() => {
        if (!this.#gone) resolve();
      });
    });
  }

  #port(): number {
    this.#nextPort += 1;
    return this.#nextPort;
  }
}

type HttpResponse = Extract<
  Awaited<ReturnType<HttpClient["request"]>>,
  { readonly ok: true }
>["value"];
type Asked = Pick<HttpRequest, "url" | "headers" | "fingerprint">;

// A boot network of the simulated world: one broadcast domain with agents, machines and BMCs. Datagrams are delayed,
// lost, repeated and overtake each other; HTTP, TLS and WebSocket connections are streams that only get late. Takes
// the place of test/support/memory-network.ts.
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type {
  Duplex,
  DuplexClient,
  DuplexRequest,
  HttpClient,
  HttpError,
  HttpRequest,
  HttpServer,
  ServerOptions,
  ServerRequest,
  Udp,
  UdpAddress,
} from "../../../site-agent/ports.ts";
import type { MemoryNetwork, MemoryNode, WebServer } from "../../support/memory-network.ts";
import { agreedServer, MemorySockets, targetOf } from "../../support/memory-sockets.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Random } from "../kernel/random.ts";
import { Connection, Peer } from "./connection.ts";
import { exchange } from "./exchange.ts";
import type { Arrival } from "./exchange.ts";
import { Lane } from "./lane.ts";
import type { Conditions, Delay } from "./lane.ts";
import { openDuplex } from "./open-duplex.ts";
import type { Asked } from "./open-duplex.ts";
import { SegmentWatch } from "./segment-watch.ts";
import type { WatchOptions } from "./segment-watch.ts";

export interface SegmentOptions extends WatchOptions {
  readonly kernel: Kernel;
  readonly random: Random;
}

/** Who it is that joins. */
export interface Who {
  /** Of its stream of draws; the address when absent. */
  readonly name?: string;
  /** Of the fleet; absent: nobody's. */
  readonly machine?: string;
  /** Of an agent; absent: of none. */
  readonly agent?: string;
  /** Its datagrams take no time. */
  readonly isPrompt?: boolean;
}

export interface SegmentNode extends MemoryNode {
  /** Name of the agent that accepted a connection of this machine. */
  agentOf(duplex: Duplex): string | undefined;
  /** `told`: whether the other ends of its connections notice, as after a crash, or not, as of a pulled plug. */
  leave(told?: boolean): void;
}

const usualDelay: Delay = { minMs: 0, jitterMs: 3 };

export class Segment implements MemoryNetwork {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly watch: SegmentWatch;
  readonly conditions: Conditions = { delay: usualDelay, loss: 0 };
  /** Of each datagram, to arrive once more. */
  duplication = 0;
  /** Of two machines with one address: datagrams reach both, or one of them. */
  sharedAddress: "both" | "one" = "both";
  readonly nodes = new Set<Node>();
  readonly web = new Map<string, WebServer>();
  readonly #picks: Random;
  readonly #joined = new Map<string, number>();
  readonly #agents = new Map<number, string>();
  #ports = 40_000;

  constructor(options: SegmentOptions) {
    this.kernel = options.kernel;
    this.random = options.random;
    this.#picks = options.random.split("picks");
    this.watch = new SegmentWatch(options);
  }

  /** "0.0.0.0" until it has an address. Everyone draws from a stream of its own each time. */
  join(address = "0.0.0.0", who: Who = {}): SegmentNode {
    const { name = address } = who;
    const times = (this.#joined.get(name) ?? 0) + 1;
    this.#joined.set(name, times);
    const node = new Node(this, address, { ...who, name: `${name} ${times}` });
    this.nodes.add(node);
    return node;
  }

  addWebServer(origin: string, server: WebServer): void {
    this.web.set(new URL(origin).origin, server);
  }

  heal(): void {
    Object.assign(this.conditions, { delay: usualDelay, loss: 0 });
    this.duplication = 0;
    this.sharedAddress = "both";
  }

  /** Name of the agent that sent from there, also of two at one address. */
  agentAt({ port }: UdpAddress): string | undefined {
    return this.#agents.get(port);
  }

  /** No two have the same port but those that are agreed upon. */
  agentSends(agent: string, { port }: UdpAddress): void {
    this.#agents.set(port, agent);
  }

  /** Unique in the segment, so that an answer to a shared address finds who asked. */
  makePort(): number {
    this.#ports = this.#ports >= 60_000 ? 40_001 : this.#ports + 1;
    return this.#ports;
  }

  /** All that hear a datagram now. */
  hearers(from: Node, to: UdpAddress): readonly Node[] {
    const all: Node[] = [];
    for (const node of this.nodes) {
      if (node !== from && node.sockets.hears(to.address)) all.push(node);
    }
    const isShared = all.length > 1 && to.address !== "255.255.255.255";
    return isShared && this.sharedAddress === "one" ? [this.#picks.pick(all)] : all;
  }

  /** The server of an address; of two one, drawn. */
  find(
    url: string,
    request: Pick<HttpRequest, "fingerprint">,
  ): Result<{ readonly node: Node; readonly server: ServerOptions }, HttpError> {
    const target = targetOf(url);
    const there = [...this.nodes].filter(({ address }) => address === target.hostname);
    const node = there.length > 1 ? this.#picks.pick(there) : there[0];
    const server = agreedServer(node?.sockets.listener(target.port), target, request);
    if (!server.ok || node === undefined) return server.ok ? err("unreachable", "nobody") : server;
    return ok({ node, server: server.value });
  }
}

class Node implements SegmentNode {
  readonly udp: Udp;
  readonly http: HttpClient;
  readonly duplexes: DuplexClient;
  readonly server: HttpServer;
  readonly sockets: MemorySockets;
  readonly peer = new Peer();
  readonly #segment: Segment;
  readonly #who: Who;
  readonly #out: Lane;
  readonly #in: Lane;
  readonly #repeats: Random;
  readonly #accepted = new WeakMap<Duplex, string>();

  constructor(segment: Segment, address: string, who: Who & { readonly name: string }) {
    const { kernel, conditions } = segment;
    const random = segment.random.split(who.name);
    this.#segment = segment;
    this.#who = who;
    this.#out = new Lane(kernel, random.split("out"), conditions);
    this.#in = new Lane(kernel, random.split("in"), conditions);
    this.#repeats = random.split("repeats");
    this.sockets = new MemorySockets(
      address,
      () => segment.makePort(),
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

  agentOf(duplex: Duplex): string | undefined {
    return this.#accepted.get(duplex);
  }

  leave(told = false): void {
    this.#segment.nodes.delete(this);
    this.sockets.close();
    this.peer.leave(told);
  }

  #transmit(data: Uint8Array, from: UdpAddress, to: UdpAddress): void {
    const segment = this.#segment;
    if (this.#who.agent !== undefined) segment.agentSends(this.#who.agent, from);
    segment.watch.datagram(data, from, to);
    const isRepeated = segment.duplication > 0 && this.#repeats.chance(segment.duplication);
    for (let left = isRepeated ? 2 : 1; left > 0; left -= 1) {
      const ms = this.#who.isPrompt === true ? 0 : this.#out.drawMs();
      segment.kernel.timer(ms, () => {
        for (const node of segment.hearers(this, to)) node.#hear(data, from, to);
      });
    }
  }

  #hear(data: Uint8Array, from: UdpAddress, to: UdpAddress): void {
    if (!this.sockets.has(to.port) || this.#in.drawLoss()) return;
    this.peer.receive(() => this.sockets.receive(data, from, to));
  }

  #open(): Connection {
    return new Connection(this.#segment.kernel, this.peer, { up: this.#out, down: this.#in });
  }

  #request(request: HttpRequest): ReturnType<HttpClient["request"]> {
    const segment = this.#segment;
    const web = segment.web.get(new URL(request.url).origin);
    if (web !== undefined) return web.http.request(request);
    const connection = this.#open();
    const client = this.address;
    return exchange({
      kernel: segment.kernel,
      connection,
      request,
      arrive: () => this.#arrive(connection, request),
      onAnswer: (response) =>
        segment.watch.served({ request, client, machine: this.#who.machine }, response),
    });
  }

  #arrive(connection: Connection, request: HttpRequest): Arrival {
    const found = this.#segment.find(request.url, request);
    if (!found.ok) return { kind: "nobody", error: found.error };
    const { node, server } = found.value;
    connection.accept(node.peer);
    const { method, url, headers = {} } = request;
    return { kind: "answer", response: server.handle(this.#asServed(method, url, headers)) };
  }

  async #connect(request: DuplexRequest): ReturnType<DuplexClient["connect"]> {
    const { kernel } = this.#segment;
    const { url, timeoutMs, fingerprint } = request;
    const connection = this.#open();
    let agent: string | undefined;
    const arrive = (): Asked => {
      const found = this.#segment.find(url, fingerprint === undefined ? {} : { fingerprint });
      if (!found.ok) return { kind: "nobody", error: found.error };
      agent = found.value.node.#who.agent;
      return this.#ask(connection, request, found.value);
    };
    const opened = await openDuplex({ kernel, connection, timeoutMs, arrive });
    if (opened.ok && agent !== undefined) this.#accepted.set(opened.value, agent);
    return opened;
  }

  #ask(
    connection: Connection,
    { url, protocol, headers }: DuplexRequest,
    { node, server }: { readonly node: Node; readonly server: ServerOptions },
  ): Asked {
    if (server.upgrade === undefined)
      return { kind: "nobody", ...err("refused", "no WebSockets here") };
    connection.accept(node.peer);
    const asked = { ...headers, "sec-websocket-protocol": protocol };
    const accept = async (duplex: Duplex) => {
      server.upgrade?.(this.#asServed("GET", url, asked), duplex);
      return ok(undefined);
    };
    return { kind: "server", accept };
  }

  #asServed(method: string, url: string, headers: Readonly<Record<string, string>>): ServerRequest {
    const { pathname, search } = new URL(url);
    const remote = { address: this.address, port: this.#segment.makePort() };
    return { method, path: pathname + search, headers, remote };
  }
}

// The wide area network between agents and control-plane instances: one address of the hub, behind it whichever
// instance lives. A connection is a stream as TCP gives: nothing of it is lost or comes in another order; what is on
// the way while a direction is down arrives afterwards, though an end may have given up by then.
import { err, ok } from "../../../shared/result.ts";
import type {
  Duplex,
  DuplexClient,
  DuplexRequest,
  HttpClient,
  HttpRequest,
  ServerResponse,
} from "../../../site-agent/ports.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Life } from "../kernel/life.ts";
import type { Random } from "../kernel/random.ts";
import type { Happened } from "../world/events.ts";
import { Connection, Peer } from "./connection.ts";
import { exchange } from "./exchange.ts";
import type { Arrival } from "./exchange.ts";
import { Lane } from "./lane.ts";
import type { Conditions, Delay } from "./lane.ts";
import { LinkWatch } from "./link-watch.ts";
import { openDuplex } from "./open-duplex.ts";
import type { Asked } from "./open-duplex.ts";
import type { Scan } from "./segment-watch.ts";
import { draws, wanEnd } from "./wan-end.ts";

type Ask = (url: string, init: object, env?: object) => Response | Promise<Response>;

export interface WanOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  /** Told of what passes in the clear of a proxy. */
  readonly scan: Scan;
  readonly tell: (happened: Happened) => void;
  /** Of each process that ends: that its machine is gone, too, and nobody is told. */
  readonly silentDeaths: number;
}

interface Instance {
  readonly life: Life;
  readonly peer: Peer;
  readonly ask: Ask;
}

/** A process behind a link. */
interface Client {
  readonly life: Life;
  readonly peer: Peer;
  readonly link: WanLink;
  readonly watch: LinkWatch;
}

export const usualWanDelay: Delay = { minMs: 1, jitterMs: 19 };

const enrolPath = "/agents/enrol";

export class Wan {
  readonly #options: WanOptions;
  readonly #deaths: Random;
  readonly #instances = new Map<string, Instance>();
  readonly #links = new Map<string, WanLink>();
  /** By the name of the process. */
  readonly #watches = new Map<string, LinkWatch>();

  constructor(options: WanOptions) {
    this.#options = options;
    this.#deaths = options.random.split("deaths");
  }

  /** The instance answers from now on, until its life ends. */
  serve(name: string, life: Life, ask: Ask): void {
    const gone = (): void => {
      if (this.#instances.get(name)?.life === life) this.#instances.delete(name);
    };
    const peer = this.#peerOf(life, gone);
    this.#instances.set(name, { life, peer, ask });
  }

  /** Stops answering, as an instance does that is being stopped. */
  withdraw(name: string): void {
    this.#instances.delete(name);
  }

  link(name: string): WanLink {
    const { kernel, random } = this.#options;
    const link = this.#links.get(name) ?? new WanLink(kernel, random.split(name));
    this.#links.set(name, link);
    return link;
  }

  /** What a process behind the link uses. */
  clientOf(
    name: string,
    life: Life,
  ): { readonly http: HttpClient; readonly duplexes: DuplexClient } {
    const link = this.link(name);
    const peer = this.#peerOf(life, () => link.peers.delete(peer));
    link.peers.add(peer);
    const watch = this.#watches.get(life.name) ?? new LinkWatch(life.name, this.#options.tell);
    this.#watches.set(life.name, watch);
    const client = { life, peer, link, watch };
    return {
      http: { request: (request) => this.#request(client, request) },
      duplexes: { connect: (request) => this.#connect(client, request) },
    };
  }

  heal(): void {
    for (const link of this.#links.values()) link.heal();
  }

  #peerOf(life: Life, gone: () => void): Peer {
    const peer = new Peer(life);
    const leave = (): void => {
      peer.leave(!this.#deaths.chance(this.#options.silentDeaths));
      gone();
    };
    life.signal.addEventListener("abort", leave, { once: true });
    return peer;
  }

  /** Whichever instance the load balancer chooses has it from now on. */
  #reach(link: WanLink, connection: Connection): Instance | undefined {
    const living = [...this.#instances].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const [, instance] = living.length === 0 ? [] : link.random.pick(living);
    if (instance !== undefined) connection.accept(instance.peer);
    return instance;
  }

  async #request(
    { link, peer, watch }: Client,
    request: HttpRequest,
  ): ReturnType<HttpClient["request"]> {
    const { kernel, scan } = this.#options;
    const { url, body } = request;
    if (body !== undefined) scan("feed", new TextDecoder().decode(body));
    scan("url", url);
    const connection = link.open(peer);
    const answered = await exchange({
      kernel,
      connection,
      request,
      arrive: () => this.#arrive(link, connection, request),
      onAnswer() {
        if (draws(link, link.losesAnswers)) connection.cut();
      },
    });
    const isDone = answered.ok && answered.value.status === 200;
    if (isDone && new URL(url).pathname === enrolPath) watch.enrolled();
    return answered;
  }

  #arrive(link: WanLink, connection: Connection, request: HttpRequest): Arrival {
    if (draws(link, link.losesRequests)) {
      connection.cut();
      return { kind: "answer", response: new Promise(() => {}) };
    }
    const instance = this.#reach(link, connection);
    return instance === undefined ? nobody() : { kind: "answer", response: ask(instance, request) };
  }

  async #connect(
    { life, link, peer, watch: watches }: Client,
    { url, protocol, headers, timeoutMs }: DuplexRequest,
  ): ReturnType<DuplexClient["connect"]> {
    const { kernel, scan } = this.#options;
    const connection = link.open(peer);
    const asked = { upgrade: "websocket", "sec-websocket-protocol": protocol, ...headers };
    let watch: ReturnType<LinkWatch["open"]> | undefined;
    const arrive = (): Asked => {
      const instance = this.#reach(link, connection);
      if (instance === undefined) return nobody();
      const { life: hub } = instance;
      const opened = watches.open(hub.name);
      watch = opened;
      const accept = async (duplex: Duplex) => {
        const end = wanEnd(duplex, { life: hub, watch: opened.hub, scan, noise: link });
        const socket = { duplex: end, isOpen: false };
        const { status } = await hub.call("http", async () =>
          instance.ask(url.replace(/^ws/, "http"), { headers: asked }, { socket }),
        );
        return socket.isOpen ? ok(undefined) : err("refused" as const, `status ${status}`);
      };
      return { kind: "server", accept };
    };
    const opened = await openDuplex({ kernel, connection, timeoutMs, arrive });
    if (!opened.ok || watch === undefined) return opened;
    return ok(wanEnd(opened.value, { life, watch: watch.agent, scan, noise: link }));
  }
}

function nobody() {
  return { kind: "nobody", ...err("unreachable" as const, "no instance answers") } as const;
}

function ask(
  instance: Instance,
  { method, url, headers = {}, body }: HttpRequest,
): Promise<ServerResponse> {
  return instance.life.call("http", async () => {
    const init = { method, headers: { ...headers }, ...(body === undefined ? {} : { body }) };
    const response = await instance.ask(url, init);
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: new Uint8Array(await response.arrayBuffer()),
    };
  });
}

/** By then a frame that comes twice has come. */
const latestAgainMs = 15_000;

/** An agent's way to the hub, and its faults. */
export class WanLink {
  /** Of each frame: to arrive once more, to arrive changed. */
  duplicates = 0;
  garbles = 0;
  /** Of each request: to be lost before the hub, or to be worked on and its answer lost. */
  losesRequests = 0;
  losesAnswers = 0;
  readonly conditions: Conditions = { delay: usualWanDelay, loss: 0 };
  readonly up: Lane;
  readonly down: Lane;
  readonly peers = new Set<Peer>();
  readonly random: Random;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, random: Random) {
    this.#kernel = kernel;
    this.random = random;
    this.up = new Lane(kernel, random.split("up"), this.conditions);
    this.down = new Lane(kernel, random.split("down"), this.conditions);
  }

  again(send: () => void): void {
    const { random } = this;
    this.#kernel.timer(random.chance(0.5) ? 0 : random.between(0, latestAgainMs), send);
  }

  open(peer: Peer): Connection {
    return new Connection(this.#kernel, peer, this);
  }

  heal(): void {
    this.up.isDown = false;
    this.down.isDown = false;
    this.conditions.delay = usualWanDelay;
    this.duplicates = 0;
    this.garbles = 0;
    this.losesRequests = 0;
    this.losesAnswers = 0;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const connection of this.#connections()) connection.reset();
  }

  /** All connections are dead, and neither end is told: a device on the way has forgotten them. */
  forget(): void {
    for (const connection of this.#connections()) connection.cut();
  }

  #connections(): readonly Connection[] {
    return [...this.peers].flatMap(({ connections }) => [...connections]);
  }
}

// The wide area network between agents and control-plane instances: one address of the hub, behind it whichever
// instance lives. A connection is a stream as TCP gives: nothing of it is lost or comes in another order; what is on
// the way while a direction is down arrives afterwards, unless an end has given up by then.
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type {
  Duplex,
  DuplexClient,
  DuplexRequest,
  HttpClient,
  HttpError,
  HttpRequest,
  HttpResponse,
} from "../../../site-agent/ports.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Life } from "../kernel/life.ts";
import type { Random } from "../kernel/random.ts";
import type { Happened } from "../world/events.ts";
import { LinkWatch } from "./link-watch.ts";
import type { EndWatch } from "./link-watch.ts";

type Ask = (url: string, init: object, env?: object) => Response | Promise<Response>;

/** Texts that pass in the clear of a proxy: for the scanner. */
export type Scan = (sink: string, text: string) => void;

/** An agent's way to the hub, and its faults. */
export interface WanLink {
  /** Nothing passes to the hub, to the agent. */
  upDown: boolean;
  downDown: boolean;
  delayMs: readonly [number, number];
  /** Of each frame: to arrive twice. */
  duplicates: number;
  /** Of each frame: to arrive changed. */
  garbles: number;
  /** Of each request: to be lost before the hub. */
  losesRequests: number;
  /** Of each request: to be worked on, and its answer lost. */
  losesAnswers: number;
  /** Of each connection: that its end dies unnoticed by the other. */
  silentDeaths: number;
  /** Cuts all connections. */
  cut(): void;
  /** All connections are dead, and neither end is told: a device on the way has forgotten them. */
  forget(): void;
}

interface Instance {
  readonly life: Life;
  readonly ask: Ask;
}

export interface WanOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly scan: Scan;
  readonly tell: (happened: Happened) => void;
}

export const usualDelayMs = [1, 20] as const;
const enrolPath = "/agents/enrol";
const oneEndNoticesMs = [200, 3_000] as const;

export class Wan {
  readonly #kernel: Kernel;
  readonly #random: Random;
  readonly #scan: Scan;
  readonly #tell: (happened: Happened) => void;
  readonly #instances = new Map<string, Instance>();
  readonly #links = new Map<string, Link>();

  constructor(options: WanOptions) {
    this.#kernel = options.kernel;
    this.#random = options.random;
    this.#scan = options.scan;
    this.#tell = options.tell;
  }

  /** The instance answers from now on, until its life ends. */
  serve(name: string, life: Life, ask: Ask): void {
    this.#instances.set(name, { life, ask });
    const gone = (): void => {
      if (this.#instances.get(name)?.life === life) this.#instances.delete(name);
      for (const link of this.#links.values()) link.lose(life);
    };
    life.signal.addEventListener("abort", gone, { once: true });
  }

  /** Stops answering, as an instance does that is being stopped. */
  withdraw(name: string): void {
    this.#instances.delete(name);
  }

  link(name: string): WanLink {
    return this.#linkOf(name);
  }

  /** What a process behind the link uses. */
  clientOf(
    name: string,
    life: Life,
  ): { readonly http: HttpClient; readonly duplexes: DuplexClient } {
    const link = this.#linkOf(name);
    return {
      http: { request: (request) => this.#request(link, request) },
      duplexes: { connect: (request) => this.#connect(link, request, life) },
    };
  }

  heal(): void {
    for (const link of this.#links.values()) link.heal();
  }

  #linkOf(name: string): Link {
    const known = this.#links.get(name);
    if (known !== undefined) return known;
    const watch = new LinkWatch(name, this.#tell);
    const made = new Link(this.#kernel, this.#random.split(name), this.#scan, watch);
    this.#links.set(name, made);
    return made;
  }

  #pick(random: Random): Instance | undefined {
    const living = [...this.#instances]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, instance]) => instance);
    return living.length === 0 ? undefined : random.pick(living);
  }

  async #request(link: Link, request: HttpRequest): Promise<Result<HttpResponse, HttpError>> {
    const { method, url, headers = {}, body, timeoutMs } = request;
    if (body !== undefined) this.#scan("feed", new TextDecoder().decode(body));
    this.#scan("url", url);
    await this.#kernel.sleep(link.wayMs());
    if (link.upDown || link.draws(link.losesRequests)) return await this.#inVain(timeoutMs);
    const instance = this.#pick(link.random);
    if (instance === undefined) return err("unreachable", "no instance answers");
    const { life } = instance;
    const answered = life.call("http", async () => {
      const init = { method, headers: { ...headers }, ...(body === undefined ? {} : { body }) };
      const response = await instance.ask(url, init);
      return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
    });
    const broken = Promise.withResolvers<undefined>();
    const lose = (): void => void this.#kernel.timer(link.wayMs(), () => broken.resolve(undefined));
    life.signal.addEventListener("abort", lose, { once: true });
    const timer = this.#kernel.timer(timeoutMs, () => broken.resolve(undefined));
    const answer = await Promise.race([answered, broken.promise]);
    timer.cancel();
    life.signal.removeEventListener("abort", lose);
    if (answer === undefined) return err("unreachable", "the connection broke");
    await this.#kernel.sleep(link.wayMs());
    if (link.downDown || link.random.chance(link.losesAnswers))
      return await this.#inVain(timeoutMs);
    const { response, bytes } = answer;
    if (response.status === 200 && new URL(url).pathname === enrolPath) link.watch.enrolled();
    return ok({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: (async function* () {
        yield ok(bytes);
      })(),
    });
  }

  async #inVain(timeoutMs: number): Promise<Result<never, HttpError>> {
    await this.#kernel.sleep(timeoutMs);
    return err("timeout", "no answer came");
  }

  async #connect(
    link: Link,
    { url, protocol, headers, timeoutMs }: DuplexRequest,
    life: Life,
  ): ReturnType<DuplexClient["connect"]> {
    await this.#kernel.sleep(link.wayMs());
    if (link.upDown || link.downDown) return await this.#inVain(timeoutMs);
    const instance = this.#pick(link.random);
    if (instance === undefined) return err("unreachable", "no instance answers");
    const stream = link.open(life, instance.life);
    const socket = { duplex: stream.hub, isOpen: false };
    const asked = { upgrade: "websocket", "sec-websocket-protocol": protocol, ...headers };
    const opened = instance.life.call("http", async () =>
      instance.ask(url.replace(/^ws/, "http"), { headers: asked }, { socket }),
    );
    const response = await Promise.race([opened, this.#kernel.sleep(timeoutMs)]);
    await this.#kernel.sleep(link.wayMs());
    if (!socket.isOpen) return err("refused", `status ${response?.status ?? "none"}`);
    return ok(stream.agent);
  }
}

interface Stream {
  readonly agentLife: Life;
  readonly hubLife: Life;
  readonly agent: End;
  readonly hub: End;
}

class Link implements WanLink {
  upDown = false;
  downDown = false;
  delayMs: readonly [number, number] = usualDelayMs;
  duplicates = 0;
  garbles = 0;
  losesRequests = 0;
  losesAnswers = 0;
  silentDeaths = 0;
  readonly random: Random;
  readonly #kernel: Kernel;
  readonly #scan: Scan;
  readonly watch: LinkWatch;
  readonly #streams = new Set<Stream>();

  constructor(kernel: Kernel, random: Random, scan: Scan, watch: LinkWatch) {
    this.#kernel = kernel;
    this.random = random;
    this.#scan = scan;
    this.watch = watch;
  }

  wayMs(): number {
    return this.random.between(...this.delayMs);
  }

  heal(): void {
    this.upDown = false;
    this.downDown = false;
    this.delayMs = usualDelayMs;
    this.duplicates = 0;
    this.garbles = 0;
    this.losesRequests = 0;
    this.losesAnswers = 0;
    this.silentDeaths = 0;
  }

  /** False without a draw when it cannot be. */
  draws(probability: number): boolean {
    return probability > 0 && this.random.chance(probability);
  }

  forget(): void {
    for (const { agent, hub } of this.#streams) {
      agent.peer = undefined;
      hub.peer = undefined;
    }
    this.#streams.clear();
  }

  cut(): void {
    for (const stream of this.#streams) {
      stream.agent.ended(1006, "the connection was cut");
      stream.hub.ended(1006, "the connection was cut");
    }
    this.#streams.clear();
  }

  open(agentLife: Life, hubLife: Life): Stream {
    const watch = this.watch.open(hubLife.name);
    const agent = new End(agentLife, this.#way("up"), watch.agent);
    const hub = new End(hubLife, this.#way("down"), watch.hub);
    agent.peer = hub;
    hub.peer = agent;
    const stream = { agentLife, hubLife, agent, hub };
    this.#streams.add(stream);
    agentLife.signal.addEventListener("abort", () => this.lose(agentLife), { once: true });
    return stream;
  }

  /** The other end of a dead process hears of it, once the network lets it. */
  lose(dead: Life): void {
    for (const stream of this.#streams) {
      if (stream.agentLife !== dead && stream.hubLife !== dead) continue;
      this.#streams.delete(stream);
      const isAgent = stream.agentLife === dead;
      (isAgent ? stream.agent : stream.hub).died();
      if (this.draws(this.silentDeaths)) continue;
      const left = isAgent ? stream.hub : stream.agent;
      const direction = isAgent ? "up" : "down";
      this.#whenOpen(direction, this.random.between(...oneEndNoticesMs), () =>
        left.ended(1006, "the connection was reset"),
      );
    }
  }

  /** A stream: in order, also what waited while the direction was down. */
  #way(direction: "up" | "down"): Way {
    const waiting: { readonly atMs: number; readonly run: () => void }[] = [];
    const pump = (): void => {
      const [first] = waiting;
      if (first === undefined) return;
      this.#whenOpen(direction, first.atMs - this.#kernel.nowMs(), () => {
        waiting.shift();
        first.run();
        pump();
      });
    };
    let lastMs = 0;
    const add = (run: () => void): void => {
      lastMs = Math.max(lastMs, this.#kernel.nowMs() + this.wayMs());
      waiting.push({ atMs: lastMs, run });
      if (waiting.length === 1) pump();
    };
    return (text, arrive) => {
      if (text === undefined) return add(() => arrive(""));
      this.#scan("frame", text);
      const sent = this.random.chance(this.garbles) ? garble(text, this.random) : text;
      add(() => arrive(sent));
      if (this.random.chance(this.duplicates)) add(() => arrive(text));
    };
  }

  #whenOpen(direction: "up" | "down", ms: number, run: () => void): void {
    this.#kernel.ordered(ms, () => {
      const isDown = direction === "up" ? this.upDown : this.downDown;
      if (isDown) this.#whenOpen(direction, 1_000, run);
      else run();
    });
  }
}

function garble(text: string, random: Random): string {
  const at = random.below(text.length);
  return random.chance(0.5) ? text.slice(0, at) : `${text.slice(0, at)}\u0000${text.slice(at + 1)}`;
}

/** Without a text the end of the stream. */
type Way = (text: string | undefined, arrive: (text: string) => void) => void;

class End implements Duplex {
  peer: End | undefined;
  readonly #life: Life;
  readonly #way: Way;
  readonly #watch: EndWatch;
  readonly #held: string[] = [];
  #open = true;
  #closed: { readonly code: number; readonly reason: string } | undefined;
  #onMessage: ((text: string) => void) | undefined;
  #onClose: ((code: number, reason: string) => void) | undefined;

  constructor(life: Life, way: Way, watch: EndWatch) {
    this.#life = life;
    this.#way = way;
    this.#watch = watch;
  }

  send(text: string): boolean {
    if (!this.#open || !this.#life.alive) return false;
    this.#watch.sent(text);
    this.#way(text, (arrived) => this.peer?.receive(arrived));
    return true;
  }

  close(code: number, reason: string): void {
    if (!this.#open || !this.#life.alive) return;
    this.#end(code, reason);
    this.#way(undefined, () => this.peer?.ended(code, reason));
  }

  onMessage(handle: (text: string) => void): void {
    this.#onMessage = handle;
    for (const text of this.#held.splice(0)) this.receive(text);
  }

  onClose(handle: (code: number, reason: string) => void): void {
    this.#onClose = handle;
    if (this.#closed !== undefined) handle(this.#closed.code, this.#closed.reason);
  }

  receive(text: string): void {
    if (!this.#open) return;
    if (this.#onMessage === undefined) this.#held.push(text);
    else
      this.#life.arrive(() => {
        if (!this.#open) return;
        this.#watch.arrived(text);
        this.#onMessage?.(text);
      });
  }

  /** Its process has ended. */
  died(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.ended();
  }

  ended(code: number, reason: string): void {
    this.#life.arrive(() => this.#end(code, reason));
  }

  #end(code: number, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#closed = { code, reason };
    this.#watch.ended();
    this.#onClose?.(code, reason);
  }
}

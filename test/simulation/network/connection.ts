// A TCP connection between two machines, as far as a simulator needs one: two ways, and what an end learns when the
// other is gone. A program that dies is noticed (its machine resets the connection) or not (its machine is gone, too).
import type { Kernel } from "../kernel/kernel.ts";
import { Ended } from "../kernel/life.ts";
import type { Life } from "../kernel/life.ts";
import type { Lane, Way } from "./lane.ts";

/** After so long a server gives up a client of which it hears nothing (site-agent/adapters/node-http-server.ts). */
const idleMs = 300_000;
/** What a client has sent that gives up is still delivered for so long (Linux: tcp_orphan_retries). */
const orphanMs = 100_000;

/** One end of connections. */
export class Peer {
  readonly connections = new Set<Connection>();
  readonly #life: Life | undefined;
  #isGone = false;

  /** `life`: of the process that has it. */
  constructor(life?: Life) {
    this.#life = life;
  }

  get alive(): boolean {
    return !this.#isGone;
  }

  /** Hands over what has arrived. */
  receive(run: () => void): void {
    if (this.#isGone) return;
    if (this.#life === undefined) unlessEnded(run);
    else this.#life.arrive(() => unlessEnded(run));
  }

  /** `told` false: a pulled plug. */
  leave(told: boolean): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const connection of this.connections) connection.gone(this, told);
  }
}

/** A program that ends while it is called leaves its caller alone. */
export function unlessEnded(run: () => void): void {
  try {
    run();
  } catch (thrown) {
    if (!(thrown instanceof Ended)) throw thrown;
  }
}

export interface Lanes {
  /** From the client to the server. */
  readonly up: Lane;
  readonly down: Lane;
}

export class Connection {
  readonly client: Peer;
  /** At the client: the server's end is gone without a word. */
  onServerLost: () => void = () => {};
  /** At the server, likewise. */
  onClientLost: () => void = () => {};
  readonly #up: Way;
  readonly #down: Way;
  readonly #kernel: Kernel;
  #server: Peer | undefined;
  #isOver = false;

  constructor(kernel: Kernel, client: Peer, { up, down }: Lanes) {
    this.#kernel = kernel;
    this.client = client;
    this.#up = up.way();
    this.#down = down.way();
    client.connections.add(this);
  }

  /** Whoever has accepted it. */
  get server(): Peer | undefined {
    return this.#server;
  }

  /** It has reached its server. */
  accept(server: Peer): void {
    this.#server = server;
    if (!this.#isOver) server.connections.add(this);
  }

  /** Runs it there, after all that was sent before. */
  toServer(run: () => void): void {
    if (this.client.alive) this.#carryUp(run);
  }

  toClient(run: () => void): void {
    if (this.#server?.alive !== false) this.#carryDown(run);
  }

  #carryUp(run: () => void): void {
    this.#up.carry(() =>
      this.#server === undefined ? unlessEnded(run) : this.#server.receive(run),
    );
  }

  #carryDown(run: () => void): void {
    this.#down.carry(() => this.client.receive(run));
  }

  /** In order: nothing more is expected. */
  end(): void {
    this.#isOver = true;
    this.client.connections.delete(this);
    this.#server?.connections.delete(this);
  }

  /** The client waits no longer. */
  abandon(): void {
    this.end();
    this.#kernel.timer(orphanMs, () => this.cut());
  }

  /** One of the two is gone; the other learns it after all that was sent before, or never. */
  gone(peer: Peer, told: boolean): void {
    if (this.#isOver) return;
    const isClient = peer === this.client;
    (isClient ? this.#down : this.#up).cut();
    peer.connections.delete(this);
    if (told) {
      if (isClient) this.#carryUp(() => this.#lose(this.onClientLost));
      else this.#carryDown(() => this.#lose(this.onServerLost));
      return;
    }
    (isClient ? this.#up : this.#down).cut();
    if (isClient) this.#kernel.timer(idleMs, () => this.#server?.receive(this.onClientLost));
  }

  /** A device on the way ends it; both are told. */
  reset(): void {
    if (this.#isOver) return;
    this.cut();
    this.#kernel.ordered(1, () => {
      this.end();
      this.client.receive(this.onServerLost);
      this.#server?.receive(this.onClientLost);
    });
  }

  /** A device on the way forgets it: nothing arrives any more and nobody is told. */
  cut(): void {
    this.#up.cut();
    this.#down.cut();
  }

  #lose(tell: () => void): void {
    this.end();
    tell();
  }
}

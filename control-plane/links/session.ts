// Hop 6 of 8, next: hop 7 (site-agent/operations): one agent's socket. Challenge → hello → welcome, then
// deliveries down, observations, acknowledgements and lease renewals up. Whether this session is current is asked
// of the database each time. Frames are handled one after the other; deliveries go before those that wait.
import {
  closeCode,
  type FromAgent,
  type Hello,
  type ToAgent,
} from "../../shared/protocol/frames.ts";
import { acceptObservation, type AcceptDeps } from "../app/accept-observation.ts";
import type {
  Bus,
  Clock,
  Crypto,
  LinkName,
  LinkStore,
  Log,
  OpenedSession,
  OpeningError,
  Timer,
} from "../ports.ts";
import { silentAfterMs } from "../lease-times.table.ts";
import { OutboxDelivery } from "./deliver-outbox.ts";
import type { LinkSession, SessionSocket } from "./link-session.ts";
import { makeWelcome } from "./make-welcome.ts";
import { ObservationOrder } from "./order/observation-order.ts";
import { OrderedWork } from "./order/ordered-work.ts";
import { WaitingFrames } from "./order/waiting-frames.ts";
import { readFrame, type ReadFrame } from "./read-frame.ts";
import { refusalCodes, renewalEnds } from "./session-ends.table.ts";
import { tellOpened, tellRefused } from "./tell-session.ts";
import { ToldSites } from "./told-sites.ts";
import { verifyHello } from "./verify-hello.ts";

export interface SessionDeps extends AcceptDeps {
  readonly links: LinkStore;
  readonly bus: Pick<Bus, "notify">;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  /** Name of this instance, for people. */
  readonly instance: string;
  /** What agents may have signed as our address. */
  readonly origins: readonly string[];
}

const helloWithinMs = 10_000;
const standbyRetryMs = 5_000;
/** Frames received and not handled yet. */
const maxWaiting = 256;
const strikesPerMinute = 20;

/** Until somebody else's lease has ended. */
const waits: ReadonlySet<OpeningError> = new Set(["standby", "occupied"]);

interface Current extends OpenedSession {
  /** Turns of this session so far. */
  turn: number;
  readonly agentId: string;
  readonly links: readonly LinkName[];
  readonly outbox: OutboxDelivery;
  readonly order: ObservationOrder;
}

export class AgentSession implements LinkSession {
  private readonly deps: SessionDeps;
  private readonly socket: SessionSocket;
  private readonly nonce: string;
  private current: Current | undefined;
  private readonly work = new OrderedWork((thrown) => this.broke(thrown));
  private readonly frames = new WaitingFrames();
  private waiting = 0;
  private strikes: readonly number[] = [];
  private lastHeardMs: number;
  private pumping = false;
  private readonly toldSites: ToldSites;
  private ended = false;
  private silence: Timer | undefined;

  constructor(deps: SessionDeps, socket: SessionSocket) {
    this.deps = deps;
    this.socket = socket;
    this.toldSites = new ToldSites(deps.links);
    this.nonce = deps.crypto.randomHex(32);
    this.lastHeardMs = deps.clock.nowMs();
    this.send({ type: "challenge", nonce: this.nonce, version: 1 });
    this.silence = deps.clock.timer(helloWithinMs, () => this.checkSilence());
  }

  receive(data: unknown): void {
    if (this.ended) return;
    this.lastHeardMs = this.deps.clock.nowMs();
    const read = readFrame(data);
    if (read.kind === "frame" && this.frames.joins(read.frame)) return;
    if (this.waiting >= maxWaiting) return this.end(closeCode.badFrame, "too many frames at once");
    this.waiting += 1;
    this.enqueue(async () => {
      this.waiting -= 1;
      if (read.kind === "frame") await this.handle(read.frame);
      else if (read.kind === "broken") this.end(read.code, read.reason);
      else this.strike(read);
    });
  }

  closed(): void {
    this.ended = true;
    this.silence?.cancel();
    this.current?.outbox.stop();
  }

  notify(topic: string | undefined): void {
    const { current } = this;
    if (current === undefined || this.ended) return;
    if (topic === undefined || current.links.some((name) => name === topic)) this.pump();
    if (topic === `agent:${current.agentId}`) this.enqueue(async () => void (await this.renew()));
    const mayConcernSites = topic === "sites" || topic === undefined;
    if (mayConcernSites && current.cluster !== undefined)
      this.enqueue(() => this.sendSites(current));
  }

  goaway(retryAfterMs: number): void {
    this.send({ type: "goaway", retryAfterMs });
    this.end(closeCode.goingAway, "this instance stops");
  }

  private enqueue(run: () => Promise<void>, place: "first" | "last" = "last"): void {
    this.work[place](async () => {
      if (!this.ended) await run();
    });
  }

  /** A database that does not answer ends the session: what may have been lost comes again in the next. */
  private broke(thrown: unknown): void {
    const { log } = this.deps;
    log.error("session failed", { agent: this.current?.agentId, reason: String(thrown) });
    this.end(closeCode.goingAway, "try again");
  }

  /** A frame that is not understood is skipped, a flood of them is not. */
  private strike({ type, where }: Extract<ReadFrame, { kind: "unknown" }>): void {
    this.deps.metrics.count("farrier_frames_refused_total", {});
    this.deps.log.warn("frame not understood", { agent: this.current?.agentId, type, where });
    const nowMs = this.deps.clock.nowMs();
    this.strikes = [...this.strikes.filter((atMs) => atMs > nowMs - 60_000), nowMs];
    const isFlood = this.strikes.length >= strikesPerMinute;
    if (this.current === undefined || isFlood) this.end(closeCode.badFrame, "frame not understood");
  }

  private async handle(frame: FromAgent): Promise<void> {
    this.frames.begins(frame);
    const { current } = this;
    if (frame.type === "hello") {
      if (current === undefined) await this.hello(frame);
      else this.end(closeCode.badFrame, "hello twice");
      return;
    }
    if (current === undefined) return this.end(closeCode.unauthorized, "hello first");
    // Sent in an earlier session, which ended: it comes again in this one.
    if (frame.epoch !== current.epoch) return;
    switch (frame.type) {
      case "observations":
        return await this.observe(current, frame.items);
      case "ack":
        return await current.outbox.answered(frame);
      case "lease":
        return await this.answer(current, frame.sequence);
      case "bye":
        await this.deps.links.endSession(current);
        return this.end(closeCode.gone, "the agent has ended");
    }
  }

  private async hello(hello: Hello): Promise<void> {
    const { deps } = this;
    const refused = await verifyHello(deps, hello, this.nonce);
    if (refused !== undefined) return this.refuse(hello.agentId, refused);
    const sessionToken = deps.crypto.randomHex(32);
    const opened = await deps.links.openSession({
      agentId: hello.agentId,
      bootId: hello.bootId,
      counter: hello.counter,
      instance: deps.instance,
      tokenHash: await deps.crypto.sha256Hex(sessionToken),
      programVersion: hello.programVersion,
      documentsDigest: hello.documentsDigest,
      inFlight: hello.operationsInFlight.map(({ id }) => id),
      heard: hello.heard,
      tellsCaughtUp: hello.tellsCaughtUp ?? false,
    });
    if (opened.ok && opened.value.epoch <= (hello.heard?.epoch ?? 0)) {
      return this.end(closeCode.goingAway, "epochs catch up with what this agent has heard");
    }
    if (opened.ok) return await this.welcome(hello, opened.value, sessionToken);
    const { kind } = opened.error;
    if (waits.has(kind)) this.send({ type: "goaway", retryAfterMs: standbyRetryMs });
    this.refuse(hello.agentId, { code: refusalCodes[kind], reason: kind });
  }

  private refuse(agent: string, refusal: Parameters<typeof tellRefused>[2]): void {
    tellRefused(this.deps, agent, refusal);
    this.end(refusal.code, refusal.reason);
  }

  private async welcome(hello: Hello, opened: OpenedSession, token: string): Promise<void> {
    const { deps } = this;
    const { site, cluster, epoch, committedSeq } = opened;
    const links: LinkName[] = [];
    if (site !== undefined) links.push(`site:${site}`);
    if (cluster !== undefined) links.push(`cluster:${cluster}`);
    const { agentId } = hello;
    const current: Current = {
      ...opened,
      agentId,
      links,
      turn: 0,
      outbox: new OutboxDelivery(deps, {
        epoch,
        links,
        turn: () => ({ agentId, count: current.turn }),
        take: () => void (current.turn += 1),
        send: (items) => this.send({ type: "deliveries", epoch, turn: current.turn, items }),
        again: () => this.pump(),
      }),
      order: new ObservationOrder(committedSeq),
    };
    this.current = current;
    const sites = cluster === undefined ? undefined : await this.toldSites.news();
    this.send(await makeWelcome(deps, opened, { token, sites: sites ?? [] }));
    tellOpened(deps, hello, opened);
    // The older session of this agent hears it, wherever it is; a site's new agent may have another key.
    deps.bus.notify([`agent:${agentId}`, ...(site === undefined ? [] : ["sites"])]);
    void deps.decisions.decide(opened.touched);
    this.pump();
  }

  private async observe(
    current: Current,
    items: Extract<FromAgent, { type: "observations" }>["items"],
  ): Promise<void> {
    if (items.length === 0) return;
    const order = current.order.check(items);
    if (order === "gap") return this.end(closeCode.badFrame, "observations with a gap");
    if (order === "lost") {
      const { agentId: agent, committedSeq: committed } = current;
      this.deps.log.error("observations lost", { agent, committed, first: items[0]?.seq });
    }
    const seq = await acceptObservation(this.deps, current, items);
    if (seq === undefined) return this.end(closeCode.superseded, "a newer session is open");
    current.turn += 1;
    this.send({ type: "committed", epoch: current.epoch, turn: current.turn, seq });
  }

  private async answer(current: Current, sequence: number): Promise<void> {
    const held = await this.renew();
    if (held === undefined) return;
    const { epoch, turn } = current;
    const beside = held === "beside" ? { beside: true } : {};
    this.send({ type: "lease", epoch, turn, sequence, ...beside });
  }

  /** Undefined: this session may not go on. */
  private async renew(): Promise<"held" | "beside" | undefined> {
    const { current } = this;
    if (current === undefined) return undefined;
    const state = await this.deps.links.renewLease({
      agentId: current.agentId,
      epoch: current.epoch,
      turn: current.turn,
      links: current.links.length,
    });
    if (state === "held" || state === "beside") {
      current.turn += 1;
      return state;
    }
    const [code, reason] = renewalEnds[state];
    this.end(code, reason);
    return undefined;
  }

  private async sendSites({ epoch }: Current): Promise<void> {
    const sites = await this.toldSites.news();
    if (sites !== undefined) this.send({ type: "sites", epoch, sites });
  }

  /** Somebody's work waits for a delivery; for what an agent tells it has been done. */
  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    this.enqueue(async () => {
      this.pumping = false;
      const { current } = this;
      if (current === undefined || (await current.outbox.deliver())) return;
      this.end(closeCode.superseded, "a newer session is open");
    }, "first");
  }

  private checkSilence(): void {
    if (this.ended) return;
    if (this.current === undefined) return this.end(closeCode.unauthorized, "no hello");
    const quietMs = this.deps.clock.nowMs() - this.lastHeardMs;
    if (quietMs >= silentAfterMs) return this.end(closeCode.silent, "nothing heard");
    this.silence = this.deps.clock.timer(silentAfterMs - quietMs, () => this.checkSilence());
  }

  private send(frame: ToAgent): void {
    if (this.ended) return;
    try {
      this.socket.send(JSON.stringify(frame));
    } catch {
      // The socket is closing; its close event ends the session.
      this.ended = true;
    }
  }

  private end(code: number, reason: string): void {
    if (this.ended) return;
    this.closed();
    try {
      this.socket.close(code, reason);
    } catch {
      // Closed by the other end meanwhile.
    }
  }
}

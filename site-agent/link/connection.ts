// One socket to the control plane: challenge → hello → welcome, then deliveries down, observations,
// acknowledgements and lease renewals up. Frames of an older epoch are dropped: they come from a session that has
// been fenced off.
import {
  closeCode,
  type Delivery,
  type FromAgent,
  type SiteKey,
  type Welcome,
} from "../../shared/protocol/frames.ts";
import type { Clock, Crypto, Duplex, Log, Timer } from "../ports.ts";
import type { Documents } from "./documents.ts";
import { makeHello } from "./enrolment/make-hello.ts";
import type { Identity } from "./identity.ts";
import type { Journal } from "./journal.ts";
import type { Lease } from "./lease.ts";
import type { Observations } from "./observations.ts";
import { Acknowledgements, together, type Telling } from "./memory/acknowledgements.ts";
import { DoneDeliveries } from "./memory/done-deliveries.ts";
import { StrayDocuments } from "./memory/stray-documents.ts";
import type { WriteOrder } from "./write-order.ts";
import { readFrame, type DeliveryItem, type Frame, type UnknownDelivery } from "./read-frame.ts";

const renewEveryMs = 5_000;
const silentAfterMs = 45_000;
const welcomeWithinMs = 15_000;
/** An end that nobody hears is found out by the lease. */
const heardWithinMs = 1_000;
/** Frames that are not understood, in a minute. */
const maxStrikes = 20;

export type DeliveryOutcome = { ok: true } | { ok: false; message: string; retry: boolean };

export interface SessionEvents {
  /** Resolves when the delivery is durable (document, operation) or done (write). */
  deliver(id: string, delivery: Delivery): Promise<DeliveryOutcome>;
  welcome(welcome: Welcome): void;
  sites(sites: readonly SiteKey[]): void;
  /** A host whose document the control plane knows nothing of. */
  forget(hostUid: string): void;
  /** Work on such a host, or that counts as ended. What is past its point of no return is finished. */
  giveUp(operationId: string): void;
}

export interface ConnectionDeps {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly identity: Identity;
  readonly bootId: string;
  readonly documents: Documents;
  readonly journal: Journal;
  readonly observations: Observations;
  readonly lease: Lease;
  readonly events: SessionEvents;
  readonly hubUrl: string;
  readonly programVersion: string;
  readonly capabilities: readonly string[];
  readonly writes: WriteOrder;
  /**
   * Hosts whose documents the site has, and a full resync has not brought again yet: they may be gone, and their
   * machines be those of others.
   */
  readonly unconfirmed: Set<string>;
}

export interface End {
  readonly code: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  /** Since the welcome; 0 without one. */
  readonly openForMs: number;
}

const isDone: DeliveryOutcome = { ok: true };

export class Connection {
  private epoch = 0;
  private turn = 0;
  private sentSeq = 0;
  private helloSentAtMs: number | undefined;
  private welcomedAtMs: number | undefined;
  private lastHeardMs: number;
  private retryAfterMs: number | undefined;
  private strikes: readonly number[] = [];
  private timer: Timer;
  private readonly telling: Telling;
  private orders: Promise<void> = Promise.resolve();
  private ended = false;
  /** By the other end. */
  private onClosed: () => void = () => undefined;
  private strays: StrayDocuments | undefined;
  private readonly done = new DoneDeliveries();
  private readonly acknowledgements = new Acknowledgements();
  private readonly deps: ConnectionDeps;
  private readonly duplex: Duplex;
  private readonly onWelcome: () => void;
  private readonly onEnd: (end: End) => void;

  constructor(
    deps: ConnectionDeps,
    duplex: Duplex,
    onWelcome: () => void,
    onEnd: (end: End) => void,
  ) {
    this.deps = deps;
    this.duplex = duplex;
    this.onWelcome = onWelcome;
    this.onEnd = onEnd;
    this.telling = together(deps.clock, () => this.tell());
    this.lastHeardMs = deps.clock.monotonicMs();
    this.timer = deps.clock.timer(welcomeWithinMs, () =>
      this.close(closeCode.silent, "no welcome"),
    );
  }

  /** From our side. A dead peer would never confirm it, so nobody waits for that. */
  close(code: number, reason: string): void {
    if (this.ended) return;
    this.duplex.close(code, reason);
    this.closed(code, reason);
  }

  /**
   * In order: what is done is told, nothing is said or heard any more, then `work` ends what is at work, and then the control plane is told
   * that it has ended: from that moment on another process may act.
   */
  async leave(work: () => Promise<void>): Promise<void> {
    if (this.ended) return;
    this.tell();
    this.fallSilent();
    await work();
    if (this.epoch !== 0 && this.send({ type: "bye", epoch: this.epoch })) await this.untilClosed();
    this.duplex.close(closeCode.gone, "agent stops");
    this.tellEnd(closeCode.gone, "agent stops");
  }

  private async untilClosed(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.deps.clock.timer(heardWithinMs, resolve);
      this.onClosed = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  closed(code: number, reason: string): void {
    this.onClosed();
    if (this.ended) return;
    this.fallSilent();
    this.tellEnd(code, reason);
  }

  private fallSilent(): void {
    this.ended = true;
    this.timer.cancel();
    this.strays?.stop();
  }

  private tellEnd(code: number, reason: string): void {
    const { retryAfterMs, welcomedAtMs } = this;
    const openForMs = welcomedAtMs === undefined ? 0 : this.deps.clock.monotonicMs() - welcomedAtMs;
    this.onEnd({ code, reason, retryAfterMs, openForMs });
  }

  receive(text: string): void {
    if (this.ended) return;
    this.lastHeardMs = this.deps.clock.monotonicMs();
    const read = readFrame(text);
    try {
      if (read.kind === "broken") this.close(closeCode.badFrame, read.reason);
      else if (read.kind === "unknown") this.strike(read.type, read.where);
      else this.handle(read.frame);
    } catch (thrown) {
      // The agent's own database, most likely a full disk: the next session tries again.
      this.deps.log.error("session broke", { reason: String(thrown) });
      this.close(closeCode.goingAway, "the agent could not go on");
    }
  }

  private handle(frame: Frame): void {
    if (frame.type === "goaway") {
      this.retryAfterMs = frame.retryAfterMs;
    } else if (frame.type === "challenge") {
      if (this.helloSentAtMs === undefined) this.hello(frame.nonce);
      else this.close(closeCode.badFrame, "challenge twice");
    } else if (frame.type === "welcome") {
      if (this.helloSentAtMs !== undefined && this.epoch === 0)
        this.welcomed(frame, this.helloSentAtMs);
      else this.close(closeCode.badFrame, "welcome out of turn");
    } else if (this.epoch !== 0 && frame.epoch === this.epoch) {
      this.hear(frame);
      this.current(frame);
    }
  }

  /** With a renewal's answer nothing is given that could be lost: that is not worth a write every 5 s. */
  private hear(frame: Exclude<Frame, { type: "challenge" | "welcome" | "goaway" }>): void {
    if (frame.type === "sites" || frame.turn === undefined || frame.turn <= this.turn) return;
    this.turn = frame.turn;
    this.deps.identity.acceptTurn(frame.turn, frame.type !== "lease");
  }

  private current(frame: Exclude<Frame, { type: "challenge" | "welcome" | "goaway" }>): void {
    switch (frame.type) {
      case "sites":
        this.deps.events.sites(frame.sites);
        return;
      case "committed":
        this.deps.observations.trim(Math.min(frame.seq, this.sentSeq));
        return;
      case "lease":
        this.deps.lease.answered(frame.sequence, frame.beside);
        return;
      case "deliveries":
        this.take(frame.items);
        return;
    }
  }

  /** One that is not understood may come from a newer control plane; a flood of them does not. */
  private strike(type: string, where: string): void {
    this.deps.log.warn("frame not understood", { type, where });
    const nowMs = this.deps.clock.monotonicMs();
    this.strikes = [...this.strikes.filter((atMs) => atMs > nowMs - 60_000), nowMs];
    if (this.strikes.length >= maxStrikes) {
      this.close(closeCode.badFrame, "too many frames that are not understood");
    }
  }

  private hello(nonce: string): void {
    this.helloSentAtMs = this.deps.clock.monotonicMs();
    this.send(makeHello(this.deps, nonce));
  }

  private welcomed(welcome: Welcome, helloSentAtMs: number): void {
    const { deps } = this;
    const { epoch, site, cluster, resync, regressed } = welcome;
    if (!deps.identity.acceptEpoch(epoch)) {
      deps.log.error("epoch went back: the control plane's database is older than this site", {
        epoch,
      });
      return this.close(closeCode.epochRegression, "epoch regression");
    }
    this.epoch = epoch;
    this.welcomedAtMs = deps.clock.monotonicMs();
    this.sentSeq = Math.min(welcome.committedSeq, deps.observations.lastSeq());
    deps.observations.trim(this.sentSeq);
    for (const id of welcome.over ?? []) deps.events.giveUp(id);
    this.openLease(welcome, helloSentAtMs);
    deps.unconfirmed.clear();
    if (site !== undefined && resync === "full") this.strays = new StrayDocuments(deps);
    this.onWelcome();
    if (regressed === true) {
      deps.log.error("EpochRegression: the control plane's database went back in time", {
        hint: "it takes over anew what Kubernetes and this site hold; nothing needs to be done",
      });
    }
    deps.log.info("link open", { epoch, site, cluster, resync });
    deps.events.welcome(welcome);
    deps.observations.onAdd(this.telling.soon);
    this.sendObservations();
    this.timer.cancel();
    this.renew();
  }

  /**
   * Where documents are still to come, the first renewal's answer opens the lease: it comes after them, so that
   * no fence looks at old ones.
   */
  private openLease({ site, resync, afterAnother }: Welcome, helloSentAtMs: number): void {
    const holdsAll = site !== undefined && resync === "none";
    this.deps.lease.opened(holdsAll ? helloSentAtMs : undefined, afterAnother);
  }

  private renew(): void {
    if (this.ended) return;
    const { clock, lease } = this.deps;
    const leftMs = this.lastHeardMs + silentAfterMs - clock.monotonicMs();
    if (leftMs <= 0) {
      this.close(closeCode.silent, "nothing heard");
      return;
    }
    this.send({ type: "lease", epoch: this.epoch, sequence: lease.sent() });
    // What did not fit into the socket's buffer.
    this.tell();
    this.timer = clock.timer(Math.min(renewEveryMs, leftMs), () => this.renew());
  }

  private sendObservations(): void {
    while (!this.ended && this.epoch !== 0) {
      const items = this.deps.observations.takeAfter(this.sentSeq);
      const last = items.at(-1);
      if (last === undefined) return;
      if (!this.send({ type: "observations", epoch: this.epoch, items: [...items] })) return;
      this.sentSeq = last.seq;
    }
  }

  /** A slow Kubernetes API must not hold up documents and operations. */
  private take(items: readonly DeliveryItem[]): void {
    const orders = items.filter(({ delivery }) => delivery.kind !== "write");
    if (orders.length > 0) this.orders = this.orders.then(() => this.deliver(orders));
    for (const item of items) {
      const { delivery } = item;
      this.done.hear(item);
      if (delivery.kind === "write")
        this.deps.writes.run(delivery.write, () => this.deliver([item]));
    }
  }

  private async deliver(items: readonly DeliveryItem[]): Promise<void> {
    for (const item of items) {
      if (this.ended) return;
      const outcome = this.done.has(item) ? isDone : await this.outcomeOf(item);
      if (outcome.ok) this.done.add(item);
      this.acknowledgements.add(item, outcome);
    }
    this.acknowledgements.toBeTold(this.telling);
  }

  private tell(): void {
    if (this.ended) return;
    this.sendObservations();
    this.acknowledgements.flush((items) => this.send({ type: "ack", epoch: this.epoch, ...items }));
  }

  private async outcomeOf({ id, delivery }: DeliveryItem): Promise<DeliveryOutcome> {
    try {
      if (delivery.kind === "unknown") return this.refuse(delivery);
      this.strays?.hear(delivery);
      return await this.deps.events.deliver(id, delivery);
    } catch (thrown) {
      const reason = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      this.deps.log.error("delivery broke", { id, kind: delivery.kind, reason });
      return { ok: false, message: "the agent could not store it, see its log", retry: true };
    }
  }

  private refuse({ where, operation }: UnknownDelivery): DeliveryOutcome {
    const message = `agent ${this.deps.programVersion} does not understand "${where}"; update it`;
    this.deps.log.warn("delivery not understood", { where, operation: operation?.id });
    if (operation !== undefined) {
      this.deps.observations.add({
        kind: "operation-failed",
        hostUid: operation.hostUid,
        operationId: operation.id,
        failure: { kind: "unsupported", message, destroyed: false },
      });
    }
    return { ok: false, message, retry: false };
  }

  private send(frame: FromAgent): boolean {
    return this.duplex.send(JSON.stringify(frame));
  }
}

// Wake-ups between instances over one LISTEN channel: the first at once, those that follow it together, and those that
// press less ten times a second. Sent after a commit, never in it: NOTIFY in a transaction serialises all commits. A lost
// wake-up costs time until the next sweep, never a row.
import type { Bus, Clock, Crypto, Log, Notifications, Timer } from "../ports.ts";

const channel = "farrier";
const coalesceMs = 10;
const soonMs = 100;
const testWithinMs = 2_000;
const testEveryMs = 30_000;
const pollEveryMs = 1_000;
const sweepEveryMs = 30_000;
/** Stands before a sender's name; older instances take both for a topic of nobody. */
const senderMark = "from:";
/** Postgres allows 8000 bytes. */
const maxPayload = 7_500;

export interface RunningBus extends Bus {
  stop(): Promise<void>;
}

export interface BusDeps {
  readonly notifications: Notifications;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
}

/** Resolves after the first self-test. */
export async function startBus(deps: BusDeps): Promise<RunningBus> {
  const bus = new DatabaseBus(deps);
  await bus.start();
  return bus;
}

class DatabaseBus implements RunningBus {
  private readonly deps: BusDeps;
  /** Stands before the topics that it sends. */
  private readonly sender: string;
  private readonly waiting = new Set<string>();
  private handle: (topic: string | undefined) => void = () => undefined;
  private flushTimer: Timer | undefined;
  private soonTimer: Timer | undefined;
  private flushedAtMs = -Infinity;
  /** Something that waits is to be sent now. */
  private presses = false;
  private pollTimer: Timer | undefined;
  private readonly timers: Timer[] = [];
  private hears = false;
  private heard: ((nonce: string) => void) | undefined;
  private unlisten: (() => Promise<void>) | undefined;
  private stopped = false;

  constructor(deps: BusDeps) {
    this.deps = deps;
    this.sender = `${senderMark}${deps.crypto.randomHex(8)}`;
  }

  async start(): Promise<void> {
    await this.listen();
    await this.test();
    this.every(testEveryMs, () => this.test());
    // Hearing, something may still have been lost.
    this.every(sweepEveryMs, () => this.handle(undefined));
  }

  mode(): "listen" | "poll" {
    return this.hears ? "listen" : "poll";
  }

  onNotify(handle: (topic: string | undefined) => void): void {
    this.handle = handle;
  }

  notify(topics: readonly string[], when: "now" | "soon" = "now"): void {
    for (const topic of topics) this.waiting.add(topic);
    this.presses ||= when === "now";
    if (this.flushTimer === undefined && !this.stopped) this.flushInTime();
  }

  private flushInTime(): void {
    const waitMs = this.flushedAtMs + soonMs - this.deps.clock.nowMs();
    if (this.presses || waitMs <= 0) void this.flush();
    else if (this.waiting.size > 0)
      this.soonTimer ??= this.deps.clock.timer(Math.min(waitMs, soonMs), () => void this.flush());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) timer.cancel();
    this.flushTimer?.cancel();
    this.soonTimer?.cancel();
    this.pollTimer?.cancel();
    await this.flush();
    await this.unlisten?.().catch(() => undefined);
  }

  /** Our own sessions hear it at once; the others through the database. */
  private async flush(): Promise<void> {
    const topics = [...this.waiting];
    this.soonTimer?.cancel();
    this.soonTimer = undefined;
    this.presses = false;
    if (topics.length === 0) return;
    this.waiting.clear();
    this.flushedAtMs = this.deps.clock.nowMs();
    if (!this.stopped) this.flushTimer = this.deps.clock.timer(coalesceMs, () => this.quiet());
    for (const topic of topics) this.handle(topic);
    for (const payload of payloads(this.sender, topics)) {
      await this.send(payload);
    }
  }

  private quiet(): void {
    this.flushTimer = undefined;
    this.flushInTime();
  }

  private async send(payload: string): Promise<void> {
    try {
      await this.deps.notifications.notify(channel, payload);
    } catch (thrown) {
      this.deps.log.warn("notification not sent", { reason: String(thrown) });
    }
  }

  private async listen(): Promise<void> {
    try {
      this.unlisten = await this.deps.notifications.listen(
        channel,
        (payload) => this.receive(payload),
        () => this.handle(undefined),
      );
    } catch (thrown) {
      this.deps.log.warn("cannot listen for notifications", { reason: String(thrown) });
    }
  }

  private receive(payload: string): void {
    if (payload.startsWith("test:")) return this.heard?.(payload);
    const topics = payload.split(",");
    if (topics[0] === this.sender) return;
    for (const topic of topics) if (!topic.startsWith(senderMark)) this.handle(topic);
  }

  /** A pooler takes LISTEN and delivers nothing, without an error: only a message to oneself tells. */
  private async test(): Promise<void> {
    const nonce = `test:${this.deps.crypto.randomHex(8)}`;
    let timer: Timer | undefined;
    const arrived = new Promise<boolean>((resolve) => {
      timer = this.deps.clock.timer(testWithinMs, () => resolve(false));
      this.heard = (heard) => {
        if (heard === nonce) resolve(true);
      };
    });
    await this.send(nonce);
    const hears = await arrived;
    timer?.cancel();
    if (hears !== this.hears) {
      this.hears = hears;
      if (hears) this.deps.log.info("notifications arrive", {});
      else this.deps.log.warn("notifications do not arrive; polling every second", {});
    }
    if (!hears && !this.stopped) this.poll();
  }

  /** Until a test says that it hears. */
  private poll(): void {
    this.pollTimer ??= this.deps.clock.timer(pollEveryMs, () => {
      this.pollTimer = undefined;
      if (this.hears || this.stopped) return;
      this.handle(undefined);
      this.poll();
    });
  }

  private every(ms: number, run: () => void | Promise<void>): void {
    const index = this.timers.length;
    const again = () => {
      if (this.stopped) return;
      this.timers[index] = this.deps.clock.timer(ms, () => {
        void Promise.resolve(run()).then(again, again);
      });
    };
    again();
  }
}

function payloads(sender: string, topics: readonly string[]): readonly string[] {
  const list: string[] = [];
  for (const topic of topics) {
    const last = list.at(-1);
    const isFull = last === undefined || last.length + topic.length + 1 > maxPayload;
    if (isFull) list.push(`${sender},${topic}`);
    else list[list.length - 1] = `${last},${topic}`;
  }
  return list;
}

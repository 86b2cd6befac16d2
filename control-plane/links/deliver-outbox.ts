// Sends one session what waits for its links, in order, and takes its answers. Bounded: what is sent and not
// answered counts. Runs inside the session's own order of work.
import type { Delivery, FromAgent } from "../../shared/protocol/frames.ts";
import type { Metrics } from "../app/metrics.ts";
import type { Clock, LinkName, LinkStore, Log, SessionTurn, Timer } from "../ports.ts";
import { packDeliveries } from "./pack-deliveries.ts";

export interface DeliverDeps {
  readonly links: Pick<LinkStore, "takeOutbox" | "ackOutbox">;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface DeliveryTarget {
  readonly epoch: number;
  readonly links: readonly LinkName[];
  turn(): SessionTurn;
  /** Rows were taken: a turn. */
  take(): void;
  send(items: { id: string; delivery: Delivery }[]): void;
  /** Asks for `deliver` to be called, in order with the session's other work. */
  again(): void;
}

const batch = 50;
const maxUnanswered = 500;
/** They may wait long for their turn, and statuses do not wait behind them. */
const maxEvents = 100;
/** What is urgent does not wait until what only tells is answered. */
const urgentBeside = 200;

export class OutboxDelivery {
  private readonly deps: DeliverDeps;
  private readonly target: DeliveryTarget;
  private unanswered = 0;
  /** Those of the unanswered that are Events. */
  private readonly events = new Set<string>();
  private retry: Timer | undefined;

  constructor(deps: DeliverDeps, target: DeliveryTarget) {
    this.deps = deps;
    this.target = target;
  }

  /** False: the session does not hold its links any more. */
  async deliver(): Promise<boolean> {
    while (this.unanswered < maxUnanswered + urgentBeside) {
      const { epoch, links } = this.target;
      const turn = this.target.turn();
      const only = this.only();
      const rows = await this.deps.links.takeOutbox({ epoch, links, turn }, batch, only);
      if (rows === undefined) return false;
      if (rows.length > 0) this.target.take();
      this.unanswered += rows.length;
      for (const { id, delivery } of rows) if (isEvent(delivery)) this.events.add(id);
      const { frames, refused } = packDeliveries(rows);
      for (const items of frames) this.target.send(items);
      if (refused.length > 0) await this.drop(refused);
      if (rows.length < batch) return true;
    }
    return true;
  }

  /** A row that no agent takes would close every session of its link. */
  private async drop(rows: readonly { id: string; delivery: Delivery }[]): Promise<void> {
    for (const { id, delivery } of rows) {
      this.deps.log.error("delivery too large", {
        agent: this.target.turn().agentId,
        id,
        kind: delivery.kind,
      });
    }
    this.unanswered -= rows.length;
    await this.deps.links.ackOutbox(this.target, { done: rows.map(({ id }) => id), retry: [] });
  }

  async answered({ done, failed }: Extract<FromAgent, { type: "ack" }>): Promise<void> {
    for (const { message, retry } of failed) {
      this.deps.metrics.count("farrier_writes_failed_total", { retry: String(retry) });
      this.deps.log.warn("delivery failed", {
        agent: this.target.turn().agentId,
        retry,
        reason: message.slice(0, 500),
      });
    }
    const waitMs = await this.deps.links.ackOutbox(this.target, {
      done: [...done, ...failed.filter(({ retry }) => !retry).map(({ id }) => id)],
      retry: failed.filter(({ retry }) => retry).map(({ id }) => id),
    });
    const [wasFull, hadEvents] = [this.isFull(), this.hasEvents()];
    this.unanswered = Math.max(0, this.unanswered - done.length - failed.length);
    for (const id of [...done, ...failed.map((each) => each.id)]) this.events.delete(id);
    if (waitMs !== undefined) {
      this.retry?.cancel();
      this.retry = this.deps.clock.timer(waitMs, () => this.target.again());
    }
    const isFreed = (wasFull && !this.isFull()) || (hadEvents && !this.hasEvents());
    if (isFreed) this.target.again();
  }

  private only(): "urgent" | "but-events" | undefined {
    if (this.isFull()) return "urgent";
    return this.hasEvents() ? "but-events" : undefined;
  }

  private isFull(): boolean {
    return this.unanswered >= maxUnanswered;
  }

  private hasEvents(): boolean {
    return this.events.size >= maxEvents;
  }

  stop(): void {
    this.retry?.cancel();
  }
}

function isEvent(delivery: Delivery): boolean {
  return delivery.kind === "write" && delivery.write.kind === "event";
}

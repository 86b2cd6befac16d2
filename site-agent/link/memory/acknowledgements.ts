// What a session has to acknowledge: told with what else happens in that moment, or as soon as the send buffer has room.
import type { FromAgent } from "../../../shared/protocol/frames.ts";
import type { Clock } from "../../ports.ts";
import type { DeliveryItem } from "../read-frame.ts";
import type { DeliveryOutcome } from "../connection.ts";

type Acknowledged = Pick<Extract<FromAgent, { type: "ack" }>, "done" | "failed">;

const mostMessage = 1024;

export class Acknowledgements {
  private waiting: Acknowledged = { done: [], failed: [] };
  private presses = false;

  add({ id, delivery }: DeliveryItem, outcome: DeliveryOutcome): void {
    this.presses ||= !outcome.ok || delivery.kind !== "write";
    if (outcome.ok) {
      this.waiting.done.push(id);
      return;
    }
    const { message, retry } = outcome;
    this.waiting.failed.push({ id, message: message.slice(0, mostMessage), retry });
  }

  /** Nothing waits to hear that a write is done. */
  toBeTold({ soon, later }: Telling): void {
    if (this.presses) soon();
    else later();
  }

  /** `send` says whether it was sent. */
  flush(send: (acknowledged: Acknowledged) => boolean): void {
    const { done, failed } = this.waiting;
    if (done.length + failed.length > 0 && send(this.waiting)) {
      this.waiting = { done: [], failed: [] };
      this.presses = false;
    }
  }
}

/** Less than a way to the control plane takes. */
const soonMs = 10;
const laterMs = 100;

export interface Telling {
  readonly soon: () => void;
  readonly later: () => void;
}

/**
 * What happens in one moment is told together: each frame costs the control plane a statement and decisions. Calls
 * `tell` once for all calls of one kind in so long.
 */
export function together(clock: Pick<Clock, "timer">, tell: () => void): Telling {
  return { soon: within(clock, soonMs, tell), later: within(clock, laterMs, tell) };
}

function within(clock: Pick<Clock, "timer">, ms: number, tell: () => void): () => void {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    clock.timer(ms, () => {
      isWaiting = false;
      tell();
    });
  };
}

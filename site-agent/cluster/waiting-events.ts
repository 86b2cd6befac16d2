// Events of a watch that wait to be posted: `take` gives all that are there, undefined at the end.
import { z } from "zod";
import type { WatchEvent } from "./port.ts";

const versioned = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().regex(/^\d+$/) }),
});

export class WaitingEvents {
  /** That came so far. */
  count = 0;
  private waiting: WatchEvent[] = [];
  private last: WatchEvent | undefined;
  private ended = false;
  private taken = 0;
  /** How many had come when all had arrived, until that is told. */
  private arrived: number | undefined;
  private wake: () => void = () => undefined;

  push(event: WatchEvent): void {
    this.count += 1;
    this.last = event;
    this.waiting.push(event);
    this.wake();
  }

  /** All that had changed before the watch began is here. */
  allArrived(): void {
    this.arrived ??= this.count;
    this.wake();
  }

  /** Version of the last event; 0: none. */
  get newest(): bigint {
    const last = versioned.safeParse(this.last?.object).data;
    return BigInt(last?.metadata.resourceVersion ?? "0");
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  /** None: what had arrived then was taken, whatever has come since. */
  async take(limit: number): Promise<WatchEvent[] | undefined> {
    while (this.waiting.length === 0 && this.arrived === undefined) {
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const left = (this.arrived ?? Infinity) - this.taken;
    if (left === 0) this.arrived = undefined;
    const events = this.waiting.splice(0, Math.min(limit, left));
    this.taken += events.length;
    return events;
  }
}

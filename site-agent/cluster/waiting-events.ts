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
  private hasNews = false;
  private wake: () => void = () => undefined;

  push(event: WatchEvent): void {
    this.count += 1;
    this.last = event;
    this.waiting.push(event);
    this.wake();
  }

  /** All that had changed before the watch began is here. */
  allArrived(): void {
    this.hasNews = true;
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

  /** None: all that had arrived was taken. */
  async take(limit: number): Promise<WatchEvent[] | undefined> {
    while (this.waiting.length === 0 && !this.hasNews) {
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.waiting.length === 0) this.hasNews = false;
    return this.waiting.splice(0, limit);
  }
}

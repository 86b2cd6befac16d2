// Events of a watch that wait to be posted: `take` gives all that are there, undefined at the end. Those that are idle
// wait a while for others, to be posted with them.
import { z } from "zod";
import type { Clock, Timer } from "../../ports.ts";
import type { WatchEvent } from "../port.ts";

const versioned = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().regex(/^\d+$/) }),
});

const idleMs = 500;

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
  /** Of what waits, something is not idle, or has waited long enough. */
  private isDue = false;
  private idle: Timer | undefined;
  private readonly clock: Pick<Clock, "timer">;
  private readonly isIdle: (event: WatchEvent) => boolean;

  constructor(clock: Pick<Clock, "timer">, isIdle: (event: WatchEvent) => boolean) {
    this.clock = clock;
    this.isIdle = isIdle;
  }

  push(event: WatchEvent): void {
    this.count += 1;
    this.last = event;
    this.waiting.push(event);
    if (this.isIdle(event)) this.idle ??= this.clock.timer(idleMs, () => this.hurry());
    else this.hurry();
  }

  private hurry(): void {
    this.idle?.cancel();
    this.idle = undefined;
    this.isDue = true;
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
    this.hurry();
  }

  /** None: what had arrived then was taken, whatever has come since. */
  async take(limit: number): Promise<WatchEvent[] | undefined> {
    while (!(this.isDue && this.waiting.length > 0) && this.arrived === undefined) {
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const left = (this.arrived ?? Infinity) - this.taken;
    if (left === 0) this.arrived = undefined;
    const events = this.waiting.splice(0, Math.min(limit, left));
    this.taken += events.length;
    if (this.waiting.length === 0) this.rest();
    return events;
  }

  private rest(): void {
    this.idle?.cancel();
    this.idle = undefined;
    this.isDue = this.ended;
  }
}

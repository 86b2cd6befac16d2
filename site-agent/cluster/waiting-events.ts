// Events of a watch that wait to be posted: `take` gives all that are there, undefined at the end.
import type { WatchEvent } from "./port.ts";

export class WaitingEvents {
  private waiting: WatchEvent[] = [];
  private ended = false;
  private wake: () => void = () => undefined;

  push(event: WatchEvent): void {
    this.waiting.push(event);
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  async take(limit: number): Promise<WatchEvent[] | undefined> {
    while (this.waiting.length === 0) {
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.waiting.splice(0, limit);
  }
}

// Which writes wait for which: those about one object are done one after the other, as they came; those about others
// go on beside them, a few at a time. Shared by all sockets: what one left behind ends before the next one's begin.
import type { WriteBack } from "../../shared/protocol/write-back.ts";

/** More would only make the API server turn them away. */
const atOnce = 8;

export class WriteOrder {
  /** By object: the last that waits or is at work. */
  private readonly last = new Map<string, Promise<void>>();
  private readonly waiting: (() => void)[] = [];
  private free = atOnce;

  /** `work` must not throw. */
  run(write: WriteBack, work: () => Promise<void>): void {
    // Another cluster's business: one that does not answer takes nobody's place.
    const isLink = write.kind === "link-node";
    const key = `${isLink ? write.kind : "write"} ${write.uid}`;
    const before = this.last.get(key) ?? Promise.resolve();
    const done = before
      .then(() => (isLink ? work() : this.inTurn(work)))
      .finally(() => {
        if (this.last.get(key) === done) this.last.delete(key);
      });
    this.last.set(key, done);
  }

  private async inTurn(work: () => Promise<void>): Promise<void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    }
  }
}

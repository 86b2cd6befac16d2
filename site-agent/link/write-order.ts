// Which writes wait for which: those about one object are done one after the other, as they came; those about others
// go on beside them, a few at a time, those first that somebody's work waits for. Shared by all sockets: what one left
// behind ends before the next one's begin.
import type { WriteBack } from "../../shared/protocol/write-back.ts";

/** More would only make the API server turn them away. */
const atOnce = 8;
/** One of so many turns is for what only tells. */
const tellsEach = 4;
/** A claim, a finalizer, a providerID: the machine side goes on when they are shown. */
const pressing: readonly WriteBack["kind"][] = ["host-patch", "provider-patch"];

export class WriteOrder {
  /** By object: the last that waits or is at work. */
  private readonly last = new Map<string, Promise<void>>();
  private readonly waiting = { first: [] as (() => void)[], rest: [] as (() => void)[] };
  private turns = 0;
  private free = atOnce;

  /** `work` must not throw. */
  run(write: WriteBack, work: () => Promise<void>): void {
    // Another cluster's business: one that does not answer takes nobody's place.
    const isLink = write.kind === "link-node" || write.kind === "remove-node";
    const key = `${isLink ? write.kind : "write"} ${write.uid}`;
    const before = this.last.get(key) ?? Promise.resolve();
    const done = before
      .then(() => (isLink ? work() : this.inTurn(write.kind, work)))
      .finally(() => {
        if (this.last.get(key) === done) this.last.delete(key);
      });
    this.last.set(key, done);
  }

  private async inTurn(kind: WriteBack["kind"], work: () => Promise<void>): Promise<void> {
    const place = pressing.includes(kind) ? this.waiting.first : this.waiting.rest;
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => place.push(resolve));
    try {
      await work();
    } finally {
      const next = this.nextTurn();
      if (next === undefined) this.free += 1;
      else next();
    }
  }

  private nextTurn(): (() => void) | undefined {
    const { first, rest } = this.waiting;
    this.turns += 1;
    const isForRest = this.turns % tellsEach === 0;
    return isForRest ? (rest.shift() ?? first.shift()) : (first.shift() ?? rest.shift());
  }
}

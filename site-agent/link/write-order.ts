// Which writes wait for which: those about one object are done one after the other, as they came; those about others
// go on beside them, a few at a time, those first that somebody's work waits for. Shared by all sockets: what one left
// behind ends before the next one's begin.
import type { WriteBack } from "../../shared/protocol/write-back.ts";
import type { Clock } from "../ports.ts";

type Class = "claim" | "pressing" | "telling" | "event" | "link";

/** A claim, a finalizer, a providerID: the machine side goes on when they are shown. */
const classes: Partial<Record<WriteBack["kind"], Class>> = {
  "host-patch": "claim",
  "provider-patch": "pressing",
  // An object of its own, of which the next status of its host says the same.
  event: "event",
  // Another cluster's business: one that does not answer takes nobody's place.
  "link-node": "link",
  "remove-node": "link",
};
const inOrder: readonly Class[] = ["link", "claim", "pressing", "telling", "event"];
/** These do not wait for what else is written about their object, nor it for them. */
const apart: ReadonlySet<Class> = new Set(["link", "event"]);

/** More would only share the API server's time: the first of them would be done later, and the last not sooner. */
const atOnce = 4;
/** What claims leave to what presses, and to all that only tells. */
const besideClaims = 2;
/** Where many machines are made, the next claim follows within that. */
const claimsFollowMs = 1_000;
/** Of what only tells and what presses. */
const together = 6;

interface Job {
  readonly key: string;
  /** Of the most urgent that waits for it. */
  class: Class;
  readonly work: () => Promise<void>;
}

export class WriteOrder {
  /** As they came. */
  private readonly waiting = new Set<Job>();
  private readonly busy = new Set<string>();
  private readonly atWork: Record<Class, number> = {
    link: 0,
    claim: 0,
    pressing: 0,
    telling: 0,
    event: 0,
  };
  private claimedAtMs = -Infinity;
  private readonly clock: Pick<Clock, "monotonicMs">;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.clock = clock;
  }

  /** `work` must not throw. */
  run(write: WriteBack, work: () => Promise<void>): void {
    const kind = classes[write.kind] ?? "telling";
    if (kind === "claim") this.claimedAtMs = this.clock.monotonicMs();
    const key = `${apart.has(kind) ? write.kind : "write"} ${write.uid}`;
    for (const before of this.waiting) if (before.key === key) hurry(before, kind);
    this.waiting.add({ key, class: kind, work });
    this.begin();
  }

  private begin(): void {
    for (let next = this.next(); next !== undefined; next = this.next()) {
      this.waiting.delete(next);
      void this.do(next, next.class);
    }
  }

  private async do({ key, work }: Job, kind: Class): Promise<void> {
    this.busy.add(key);
    this.atWork[kind] += 1;
    try {
      await work();
    } finally {
      this.busy.delete(key);
      this.atWork[kind] -= 1;
      this.begin();
    }
  }

  private next(): Job | undefined {
    const ready = this.ready();
    return inOrder.map((kind) => ready.get(kind)).find((job) => job !== undefined);
  }

  /** The first of each class that may begin. */
  private ready(): ReadonlyMap<Class, Job> {
    const ready = new Map<Class, Job>();
    const passed = new Set(this.busy);
    for (const job of this.waiting) {
      const isFirst = !passed.has(job.key);
      passed.add(job.key);
      if (isFirst && !ready.has(job.class) && this.mayBegin(job.class)) ready.set(job.class, job);
    }
    return ready;
  }

  private mayBegin(kind: Class): boolean {
    const { claim, pressing, telling, event } = this.atWork;
    const claims = this.areClaimsAtHand();
    const tells = telling + event < (claims ? besideClaims : together - pressing);
    switch (kind) {
      case "link":
        return true;
      case "claim":
        return claim < atOnce;
      case "pressing":
        return pressing < (claims ? besideClaims : atOnce);
      case "telling":
        return tells;
      case "event":
        // One that hangs holds up no status.
        return tells && event < (claims ? 1 : besideClaims);
    }
  }

  /** Whenever none is any more, something that leaves room is at work: what waits begins at its end. */
  private areClaimsAtHand(): boolean {
    const { claimedAtMs } = this;
    return this.atWork.claim > 0 || this.clock.monotonicMs() - claimedAtMs < claimsFollowMs;
  }
}

/** Who waits for it is as urgent as what waits. */
function hurry(job: Job, kind: Class): void {
  if (inOrder.indexOf(kind) < inOrder.indexOf(job.class)) job.class = kind;
}

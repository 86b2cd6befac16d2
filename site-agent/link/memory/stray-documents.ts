// Documents of hosts that the control plane does not know: its database went back to before it met them, and they are
// gone meanwhile. After a full resync what was not confirmed by then is forgotten; work on such hosts is given up first, or
// finishes where it is past its point of no return.
import type { Delivery } from "../../../shared/protocol/frames.ts";
import type { Clock, Log, Timer } from "../../ports.ts";
import type { Documents } from "../documents.ts";
import type { Journal } from "../journal.ts";

/** Documents that wait come at once; clusters that are read anew name their hosts soon after. */
const afterMs = 30_000;
/** While documents come, more may. */
const quietMs = 5_000;

export interface StrayDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly documents: Pick<Documents, "all">;
  readonly journal: Pick<Journal, "unfinished">;
  readonly unconfirmed: Set<string>;
  readonly events: { forget(hostUid: string): void; giveUp(operationId: string): void };
}

/** Of one session, from its welcome to its end. */
export class StrayDocuments {
  private readonly deps: StrayDeps;
  private heardMs: number;
  private timer: Timer;

  constructor(deps: StrayDeps) {
    this.deps = deps;
    for (const { hostUid } of deps.documents.all()) deps.unconfirmed.add(hostUid);
    this.heardMs = deps.clock.monotonicMs();
    this.timer = deps.clock.timer(afterMs, () => this.look());
  }

  /** Of whom the control plane speaks, it knows. */
  hear(delivery: Delivery): void {
    if (delivery.kind !== "document" && delivery.kind !== "remove-document") return;
    this.deps.unconfirmed.delete(
      delivery.kind === "document" ? delivery.document.hostUid : delivery.hostUid,
    );
    this.heardMs = this.deps.clock.monotonicMs();
  }

  stop(): void {
    this.timer.cancel();
  }

  private look(): void {
    const { clock, documents, events, journal, log, unconfirmed } = this.deps;
    if (clock.monotonicMs() - this.heardMs >= quietMs) {
      const unfinished = journal.unfinished().map(({ operation }) => operation);
      const busy = new Set(unfinished.map(({ hostUid }) => hostUid));
      for (const { id, hostUid } of unfinished) if (unconfirmed.has(hostUid)) events.giveUp(id);
      const stray = documents
        .all()
        .map(({ hostUid }) => hostUid)
        .filter((hostUid) => unconfirmed.has(hostUid) && !busy.has(hostUid));
      for (const hostUid of stray) {
        log.warn("host forgotten, which the control plane does not know", { host: hostUid });
        events.forget(hostUid);
        unconfirmed.delete(hostUid);
      }
    }
    if (unconfirmed.size > 0) this.timer = clock.timer(quietMs, () => this.look());
  }
}

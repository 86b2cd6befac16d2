// Whether the observations of one session follow each other. Not what is committed: that is the database's.
import type { Observation } from "../../../shared/protocol/observation.ts";

export class ObservationOrder {
  private readonly committedSeq: number;
  private nextSeq: number | undefined;

  constructor(committedSeq: number) {
    this.committedSeq = committedSeq;
  }

  /**
   * "gap": numbers are missing inside the session: a fault of the agent. "lost": the first batch begins above the
   * watermark: after a restored database the agent has trimmed what we do not know, and there is nothing to wait for.
   */
  check(items: readonly Observation[]): "follows" | "gap" | "lost" {
    const first = items[0]?.seq ?? 0;
    const isGapless = items.every(({ seq }, index) => seq === first + index);
    if (!isGapless || (this.nextSeq !== undefined && first > this.nextSeq)) return "gap";
    const isLost = this.nextSeq === undefined && first > this.committedSeq + 1;
    this.nextSeq = Math.max(this.nextSeq ?? 0, first + items.length);
    return isLost ? "lost" : "follows";
  }
}

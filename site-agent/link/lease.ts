// The site's lease as its holder sees it: renewed every 5 s over the session. 15 s after the last answered
// renewal was *sent*, nothing destructive begins any more. Only monotonic time counts.
import type { Clock } from "../ports.ts";

const beginWithinMs = 15_000;

export interface Lease {
  /** The next renewal's number; remembers when it was sent. */
  sent(): number;
  answered(sequence: number): void;
  /**
   * A new session: older renewals no longer count. The hello's time does, or, when undefined, nothing until the
   * first renewal is answered.
   */
  opened(helloSentAtMs: number | undefined): void;
  /** `isLost`: the control plane said that this agent holds nothing any more. */
  closed(isLost: boolean): void;
  /** Told so, until the next session: this agent must leave its machines alone. */
  isTaken(): boolean;
  /** Undefined when something destructive may begin now, else why not. */
  problem(): string | undefined;
}

export function makeLease(clock: Clock): Lease {
  let sequence = 0;
  let heldSinceMs: number | undefined;
  let isTaken = false;
  const sentAtMs = new Map<number, number>();
  return {
    sent() {
      sequence += 1;
      sentAtMs.set(sequence, clock.monotonicMs());
      return sequence;
    },
    answered(answer) {
      const at = sentAtMs.get(answer);
      if (at === undefined) return;
      heldSinceMs = Math.max(heldSinceMs ?? at, at);
      for (const older of sentAtMs.keys()) if (older <= answer) sentAtMs.delete(older);
    },
    opened(helloSentAtMs) {
      sentAtMs.clear();
      isTaken = false;
      heldSinceMs = helloSentAtMs;
    },
    closed(isLost) {
      sentAtMs.clear();
      if (!isLost) return;
      isTaken = true;
      heldSinceMs = undefined;
    },
    isTaken: () => isTaken,
    problem() {
      if (heldSinceMs === undefined)
        return "the control plane has not confirmed this site's lease yet";
      const ageMs = clock.monotonicMs() - heldSinceMs;
      return ageMs < beginWithinMs
        ? undefined
        : `the control plane has not confirmed this site's lease for ${Math.round(ageMs / 1000)} s`;
    },
  };
}

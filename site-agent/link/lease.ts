// The site's lease as its holder sees it: renewed every 5 s over the session. 15 s after the last answered
// renewal was *sent*, nothing destructive begins any more. Only monotonic time counts.
import type { Clock } from "../ports.ts";

const beginWithinMs = 15_000;
/** As long as a failed login counts. */
const copyMs = 30 * 60_000;

export interface Lease {
  /** The next renewal's number; remembers when it was sent. */
  sent(): number;
  /** `beside`: as in the answer. */
  answered(sequence: number, beside?: boolean): void;
  /**
   * A new session: older renewals no longer count. The hello's time does, or, when undefined, nothing until the
   * first renewal is answered. `afterAnother`: as in the welcome.
   */
  opened(helloSentAtMs: number | undefined, afterAnother?: boolean): void;
  /** `isLost`: the control plane said that this agent holds nothing any more. */
  closed(isLost: boolean): void;
  /** Told so, until the next session: this agent must leave its machines alone. */
  isTaken(): boolean;
  /**
   * A session of this process was opened once, and nobody has told since that another has the lease. Before, a copy of
   * the agent may hold it: two that log in to one BMC with an old password lock it twice as soon.
   */
  mayLook(): boolean;
  /** It is held, and for long nobody has told of another process with this agent's identity. */
  isAlone(): boolean;
  /**
   * The session was confirmed within 15 s, by its welcome at least. Otherwise another process may have the next one,
   * and what this one has heard may be old.
   */
  isConfirmed(): boolean;
  /** Undefined when something destructive may begin now, else why not. */
  problem(): string | undefined;
}

export function makeLease(clock: Clock): Lease {
  let sequence = 0;
  let heldSinceMs: number | undefined;
  let isTaken = false;
  let wasOpened = false;
  let takenMs = -Infinity;
  let isBeside = false;
  let confirmedMs = -Infinity;
  const sentAtMs = new Map<number, number>();
  const problem = (): string | undefined => {
    if (heldSinceMs === undefined)
      return "the control plane has not confirmed this site's lease yet";
    const ageMs = clock.monotonicMs() - heldSinceMs;
    return ageMs < beginWithinMs
      ? undefined
      : `the control plane has not confirmed this site's lease for ${Math.round(ageMs / 1000)} s`;
  };
  return {
    sent() {
      sequence += 1;
      sentAtMs.set(sequence, clock.monotonicMs());
      return sequence;
    },
    answered(answer, beside = false) {
      isBeside = beside;
      const at = sentAtMs.get(answer);
      if (at === undefined) return;
      heldSinceMs = Math.max(heldSinceMs ?? at, at);
      confirmedMs = Math.max(confirmedMs, at);
      for (const older of sentAtMs.keys()) if (older <= answer) sentAtMs.delete(older);
    },
    opened(helloSentAtMs, afterAnother = false) {
      sentAtMs.clear();
      isTaken = false;
      wasOpened = true;
      isBeside = false;
      if (afterAnother) takenMs = clock.monotonicMs();
      heldSinceMs = helloSentAtMs;
      confirmedMs = clock.monotonicMs();
    },
    closed(isLost) {
      sentAtMs.clear();
      if (!isLost) return;
      isTaken = true;
      confirmedMs = -Infinity;
      // One that never held it was not approved yet, or comes after an earlier process of its own.
      if (heldSinceMs !== undefined) takenMs = clock.monotonicMs();
      heldSinceMs = undefined;
    },
    isTaken: () => isTaken,
    mayLook: () => wasOpened && !isTaken,
    isConfirmed: () => clock.monotonicMs() - confirmedMs < beginWithinMs,
    isAlone: () => problem() === undefined && !isBeside && clock.monotonicMs() - takenMs > copyMs,
    problem,
  };
}

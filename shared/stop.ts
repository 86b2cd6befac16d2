// Where a decision about a host or a machine stops, and why. What a wait may be for is its own side's word.

/** The one reason of a decision: into condition message, Event, log and metric alike. */
export interface Because {
  /** CamelCase, constant; a valid condition reason. */
  readonly reason: string;
  /** A sentence for people: what is going on, what it waits for, what to do. */
  readonly message: string;
}

/** A wait names what ends it, and its wake time where it has one. */
export interface Wait<Awaited> {
  readonly kind: "wait";
  readonly awaited: readonly [Awaited, ...Awaited[]];
  readonly wakeAtMs?: number;
}

/** As desired; any change of the snapshot decides again. */
export interface Settled {
  readonly kind: "settled";
}

export interface StopOf<Next> {
  readonly next: Next;
  readonly because: Because;
}

export function because(reason: string, message: string): Because {
  return { reason, message };
}

export function wait<Awaited extends string>(
  why: Because,
  awaited: readonly [Awaited, ...Awaited[]],
  wakeAtMs?: number,
): StopOf<Wait<Awaited>> {
  return {
    next: { kind: "wait", awaited, ...(wakeAtMs === undefined ? {} : { wakeAtMs }) },
    because: why,
  };
}

export function settled(why: Because): StopOf<Settled> {
  return { next: { kind: "settled" }, because: why };
}

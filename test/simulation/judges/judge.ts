// What a judge is: one invariant, told of what the world saw, that may look at the truth of the moment. Judges import
// nothing of the product: what they allow is written down here, by hand.
import type { WorldEvent } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";

export interface Violation {
  /** Of the invariant, as "S9". */
  readonly id: string;
  readonly atMs: number;
  /** For people: what was seen that must not be. */
  readonly message: string;
  readonly machine: string | undefined;
  /** Of the event that showed it; 0: the end of the run. */
  readonly eventNumber: number;
}

type Kind = WorldEvent["kind"];
type EventOf<K extends Kind> = Extract<WorldEvent, { readonly kind: K }>;

/** By kind of event. */
export type Handlers = {
  readonly [K in Kind]?: (event: EventOf<K>, truth: Truth) => void;
};

export interface Judge {
  readonly on: Handlers;
  /** As time goes by: after an event, at most once a second, and at the end. */
  look?(truth: Truth): void;
  /** When the fleet was healed and has had its time. */
  atEnd?(truth: Truth): void;
}

export type Report = (message: string, machine?: string) => void;

export interface JudgeKind {
  readonly id: string;
  /** The invariant in one sentence. */
  readonly says: string;
  /** A new one for each run. */
  make(report: Report): Judge;
}

export interface Judges {
  onEvent(event: WorldEvent, truth: Truth): void;
  atEnd(truth: Truth): void;
  readonly violations: readonly Violation[];
}

const lookEveryMs = 1_000;

/** One violation of an invariant per machine is enough: more of the same only hide the first. */
export function makeJudges(kinds: readonly JudgeKind[]): Judges {
  const violations: Violation[] = [];
  const seen = new Set<string>();
  const byKind = new Map<Kind, ((event: never, truth: Truth) => void)[]>();
  const judges: Judge[] = [];
  let [atMs, eventNumber, lookedAtMs] = [0, 0, 0];
  const look = (truth: Truth): void => {
    lookedAtMs = atMs;
    for (const judge of judges) judge.look?.(truth);
  };
  for (const kind of kinds) {
    const { id } = kind;
    const judge = kind.make((message, machine) => {
      const key = `${id} ${machine ?? ""}`;
      if (seen.has(key)) return;
      seen.add(key);
      violations.push({ id, atMs, message, machine, eventNumber });
    });
    judges.push(judge);
    for (const [name, handle] of Object.entries(judge.on)) {
      const handlers = byKind.get(name as Kind) ?? [];
      handlers.push(handle as (event: never, truth: Truth) => void);
      byKind.set(name as Kind, handlers);
    }
  }
  return {
    violations,
    onEvent(event, truth) {
      [atMs, eventNumber] = [event.atMs, event.number];
      for (const handle of byKind.get(event.kind) ?? []) handle(event as never, truth);
      // The changes of one statement are told one by one, and are one.
      if (event.kind !== "commit" && atMs - lookedAtMs >= lookEveryMs) look(truth);
    },
    atEnd(truth) {
      [atMs, eventNumber] = [truth.nowMs(), 0];
      look(truth);
      for (const judge of judges) judge.atEnd?.(truth);
    },
  };
}

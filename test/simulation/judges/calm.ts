// Since when nothing has been wrong that could keep a promise from being kept: faults that are on, processes that are
// down. Liveness is counted from then.
import type { FaultClass } from "../workload/scenario.ts";
import type { WorldEvent } from "../world/events.ts";
import type { Handlers } from "./judge.ts";
import { Links } from "./links.ts";

export interface Trouble {
  /** "down": a process has ended and was not started again. */
  readonly what: FaultClass | "down";
  /** Of a fault its target, else the process. */
  readonly target: string;
}

export type Matters = (trouble: Trouble) => boolean;

/** Used up some time or other: over for sure when the world is healed. */
const untilHealed: ReadonlySet<string> = new Set<FaultClass>([
  "bmc-does-nothing",
  "bmc-ignores-boot-device",
  "disk-error",
  "disk-renamed",
  "ramdisk-dies",
]);
const outages: readonly string[] = ["board-replaced", "machine-power-loss"];
/** The mains are away for this long at most. */
const outageMs = 60_000;

/**
 * What goes on for a while after its fault, also in a world that is healed: a watch that stands still says nothing until
 * it is given up; a cluster link waits 8 s for an answer that was lost, and a second before it tries again.
 */
const lasting: ReadonlyMap<string, number> = new Map([
  ["api-watch-stalled", 30_000],
  ["feed-answer-lost", 10_000],
]);

/** Nobody may have been told that a link is dead: both ends wait for a word for so long. */
const unheardMs = 45_000;

function afterMs(what: string): number {
  if (what === "wan-cut-links") return unheardMs;
  return lasting.get(what) ?? (outages.includes(what) ? outageMs : 0);
}

interface Known {
  readonly trouble: Trouble;
  /** How often it is on. */
  count: number;
  overMs: number;
}

type FaultEvent = Extract<WorldEvent, { readonly kind: "fault" | "fault-ended" }>;
type LinkEvent = Extract<WorldEvent, { readonly kind: "link" }>;
type FrameEvent = Extract<WorldEvent, { readonly kind: "frame" }>;
type ProcessEvent = Extract<WorldEvent, { readonly kind: "started" | "ended" }>;

export class Calm {
  readonly #known = new Map<string, Known>();
  readonly #links = new Links();
  /** Whoever uses the same kinds of events calls these. */
  readonly on = {
    fault: ({ fault: what, target }: FaultEvent) => {
      this.#of({ what, target }).count += 1;
    },
    "fault-ended": ({ fault: what, target, atMs }: FaultEvent) => {
      if (untilHealed.has(what)) return;
      this.#less({ what, target }, atMs + afterMs(what));
    },
    ended: ({ process: target }: ProcessEvent) => {
      this.#of({ what: "down", target }).count = 1;
    },
    started: ({ process: target, atMs }: ProcessEvent) => {
      this.#less({ what: "down", target }, atMs);
    },
    healed: ({ atMs }: { readonly atMs: number }) => {
      for (const known of this.#known.values()) {
        if (known.count > 0) known.overMs = atMs + (lasting.get(known.trouble.what) ?? 0);
        known.count = 0;
      }
    },
    link: (event: LinkEvent) => void this.#links.onLink(event),
    frame: (event: FrameEvent) => void this.#links.onFrame(event),
  } satisfies Handlers;

  /** -Infinity: always; undefined: something that matters is wrong now. */
  sinceMs(matters: Matters): number | undefined {
    let sinceMs = -Infinity;
    for (const { trouble, count, overMs } of this.#known.values()) {
      if (!matters(trouble)) continue;
      if (count > 0) return undefined;
      sinceMs = Math.max(sinceMs, overMs);
    }
    return sinceMs;
  }

  /** And all agents have a session. */
  connectedSinceMs(matters: Matters): number | undefined {
    const calmMs = this.sinceMs(matters);
    const { allSinceMs } = this.#links;
    return calmMs === undefined || allSinceMs === Infinity
      ? undefined
      : Math.max(calmMs, allSinceMs);
  }

  #less(trouble: Trouble, atMs: number): void {
    const known = this.#of(trouble);
    if (known.count === 0) return;
    known.count -= 1;
    known.overMs = Math.max(known.overMs, atMs);
  }

  #of(trouble: Trouble): Known {
    const key = `${trouble.what} ${trouble.target}`;
    const known = this.#known.get(key) ?? { trouble, count: 0, overMs: -Infinity };
    this.#known.set(key, known);
    return known;
  }
}

export const anything: Matters = () => true;

function begins(what: string, ...words: readonly string[]): boolean {
  return words.some((word) => what.startsWith(word));
}

/** The control plane and its database. */
export const ofHub: Matters = ({ what, target }) =>
  begins(what, "control-plane-", "database-", "notification") || target.startsWith("control-plane");

/** An agent and its way to the hub. */
export function ofAgent(agent: string): Matters {
  return ({ what, target }) =>
    target === agent && (what === "down" || begins(what, "wan-", "frame-", "feed-", "agent-"));
}

/** The program of an agent alone: its way to the hub does not matter. */
export function ofProgram(agent: string): Matters {
  return ({ what, target }) => target === agent && (what === "down" || begins(what, "agent-"));
}

/** All that lies between Kubernetes and the agents: what is wrong at a site or a machine does not matter. */
export const betweenPeopleAndAgents: Matters = ({ what }) =>
  !begins(
    what,
    "bmc-",
    "board-",
    "network-",
    "rogue-",
    "machine-",
    "ramdisk-",
    "disk-",
    "swapped-",
    "image-",
  );

export function either(...all: readonly Matters[]): Matters {
  return (trouble) => all.some((matters) => matters(trouble));
}

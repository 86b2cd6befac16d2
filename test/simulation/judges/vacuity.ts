// What a run has seen: a run that never came to a point of no return, or never saw a fault that it armed, proves
// nothing. Counts only.
import type { FaultClass, Scenario } from "../workload/scenario.ts";
import type { WorldEvent } from "../world/events.ts";
import { stateOf, statusOf } from "./host-of.ts";

export interface Counts {
  /** First change of a disk in a boot of a ramdisk. */
  pointsOfNoReturn: number;
  crashes: number;
  faults: Partial<Record<FaultClass, number>>;
  missedFaults: Partial<Record<FaultClass, number>>;
  /** provisioning.state as "before → after". */
  transitions: Record<string, number>;
  /** status.errorType. */
  errors: Record<string, number>;
  /** Kinds of failure that agents reported of operations. */
  failures: Record<string, number>;
  powerCommands: number;
  logins: number;
}

export interface Counter {
  readonly counts: Counts;
  onEvent(event: WorldEvent): void;
}

type Counting = {
  readonly [K in WorldEvent["kind"]]?: (event: Extract<WorldEvent, { readonly kind: K }>) => void;
};

export function noCounts(): Counts {
  return {
    pointsOfNoReturn: 0,
    crashes: 0,
    faults: {},
    missedFaults: {},
    transitions: {},
    errors: {},
    failures: {},
    powerCommands: 0,
    logins: 0,
  };
}

export function makeCounter(): Counter {
  const counts = noCounts();
  const destroyed = new Set<string>();
  /** Told again in each session until they are taken in. */
  const failed = new Set<string>();
  const on: Counting = {
    disk({ machine, boot }) {
      if (!destroyed.has(`${machine} ${boot}`)) counts.pointsOfNoReturn += 1;
      destroyed.add(`${machine} ${boot}`);
    },
    ended: ({ crash }) => void (counts.crashes += crash ? 1 : 0),
    fault: ({ fault }) => count(counts.faults, fault),
    "fault-missed": ({ fault }) => count(counts.missedFaults, fault),
    "power-command": () => void (counts.powerCommands += 1),
    login: () => void (counts.logins += 1),
    object: (event) => countStatus(counts, event),
    reported({ failure, operationId = "" }) {
      if (failure !== undefined && !failed.has(operationId)) count(counts.failures, failure);
      if (failure !== undefined) failed.add(operationId);
    },
  };
  return {
    counts,
    onEvent: (event) => (on[event.kind] as ((event: WorldEvent) => void) | undefined)?.(event),
  };
}

function countStatus(counts: Counts, event: Extract<WorldEvent, { kind: "object" }>): void {
  if (event.after.kind !== "BareMetalHost") return;
  const [from, to] = [stateOf(event.before), stateOf(event.after)];
  if (from !== to) count(counts.transitions, transitionOf(from, to));
  const { errorType = "" } = statusOf(event.after);
  if (errorType !== "" && errorType !== (statusOf(event.before).errorType ?? "")) {
    count(counts.errors, errorType);
  }
}

export function transitionOf(from: string, to: string): string {
  return `${from || "none"} → ${to || "none"}`;
}

function count<K extends string>(counts: Partial<Record<K, number>>, key: K): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

/** Why the run proves nothing; undefined: it does. */
export function vacuityOf(scenario: Scenario, counts: Counts): string | undefined {
  const wanted = Math.min(5, Math.floor(scenario.machines.length / 3));
  if (counts.pointsOfNoReturn < wanted) {
    return `only ${counts.pointsOfNoReturn} points of no return, of ${wanted} at least`;
  }
  const unseen = scenario.faults
    .map(({ fault }) => fault)
    .filter((fault) => !counts.faults[fault] && !counts.missedFaults[fault]);
  return unseen.length === 0
    ? undefined
    : `armed and never seen: ${[...new Set(unseen)].join(", ")}`;
}

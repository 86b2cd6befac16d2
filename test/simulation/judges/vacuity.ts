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
  /** provisioning.state as "before → after". */
  transitions: Record<string, number>;
  /** status.errorType. */
  errors: Record<string, number>;
  powerCommands: number;
  logins: number;
}

export interface Counter {
  readonly counts: Counts;
  onEvent(event: WorldEvent): void;
}

export function noCounts(): Counts {
  return {
    pointsOfNoReturn: 0,
    crashes: 0,
    faults: {},
    transitions: {},
    errors: {},
    powerCommands: 0,
    logins: 0,
  };
}

export function makeCounter(): Counter {
  const counts = noCounts();
  const destroyed = new Set<string>();
  return {
    counts,
    onEvent(event) {
      if (event.kind === "disk") {
        const boot = `${event.machine} ${event.boot}`;
        if (!destroyed.has(boot)) counts.pointsOfNoReturn += 1;
        destroyed.add(boot);
      } else if (event.kind === "ended") counts.crashes += event.crash ? 1 : 0;
      else if (event.kind === "fault") {
        counts.faults[event.fault] = (counts.faults[event.fault] ?? 0) + 1;
      } else if (event.kind === "power-command") counts.powerCommands += 1;
      else if (event.kind === "login") counts.logins += 1;
      else if (event.kind === "object") countStatus(counts, event);
    },
  };
}

function countStatus(counts: Counts, event: Extract<WorldEvent, { kind: "object" }>): void {
  if (event.after.kind !== "BareMetalHost") return;
  const [from, to] = [stateOf(event.before), stateOf(event.after)];
  if (from !== to) {
    const transition = `${from || "none"} → ${to || "none"}`;
    counts.transitions[transition] = (counts.transitions[transition] ?? 0) + 1;
  }
  const { errorType = "" } = statusOf(event.after);
  if (errorType !== "" && errorType !== (statusOf(event.before).errorType ?? "")) {
    counts.errors[errorType] = (counts.errors[errorType] ?? 0) + 1;
  }
}

/** Why the run proves nothing; undefined: it does. */
export function vacuityOf(scenario: Scenario, counts: Counts): string | undefined {
  const wanted = Math.min(5, Math.floor(scenario.machines.length / 3));
  if (counts.pointsOfNoReturn < wanted) {
    return `only ${counts.pointsOfNoReturn} points of no return, of ${wanted} at least`;
  }
  const unseen = scenario.faults.map(({ fault }) => fault).filter((fault) => !counts.faults[fault]);
  return unseen.length === 0
    ? undefined
    : `armed and never seen: ${[...new Set(unseen)].join(", ")}`;
}

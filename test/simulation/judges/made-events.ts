// Events as the tests of judges make them up: of one agent, "site-1", and one instance, unless said otherwise. `at` in
// seconds.
import type { FaultClass } from "../workload/scenario.ts";
import type { Made } from "./try-judge.ts";

const first = "control-plane:0";

export function opened(at: number, connection = 1, instance = first): Made {
  return { at, kind: "link", agent: "site-1", instance, connection, change: "opened" };
}

export function closed(at: number, connection = 1, side: "agent" | "hub" = "agent"): Made {
  const change = `${side} end closed` as const;
  return { at, kind: "link", agent: "site-1", instance: first, connection, change };
}

export function frame(at: number, to: "agent" | "hub", type: string, connection = 1): Made {
  return { at, kind: "frame", agent: "site-1", instance: first, connection, to, type };
}

export function welcomed(at: number, connection = 1, instance = first): Made {
  const about = { agent: "site-1", instance, connection };
  return { at, kind: "frame", ...about, to: "agent", type: "welcome" };
}

export function fault(at: number, what: FaultClass, target = "site-1"): Made {
  return { at, kind: "fault", fault: what, target };
}

export function faultEnded(at: number, what: FaultClass, target = "site-1"): Made {
  return { at, kind: "fault-ended", fault: what, target };
}

export function started(at: number, process: string): Made {
  return { at, kind: "started", process, incarnation: 2 };
}

export function ended(at: number, process: string, crash = true, isPowerCut = false): Made {
  return { at, kind: "ended", process, incarnation: 1, crash, isPowerCut };
}

/** Time goes by. */
export function log(at: number): Made {
  return { at, kind: "log", process: "site-1", level: "info", message: "", fields: {} };
}

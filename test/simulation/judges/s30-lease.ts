// S30: a site that has lost the control plane begins to destroy nothing.
import type { JudgeKind } from "./judge.ts";
import { siteOfAgent } from "./operations.ts";

/** For which the word "go" may be on its way to the ramdisk, also when its sender has ended meanwhile. */
const onItsWayMs = 5_000;
/** The hub gives a lease for 20 s from a renewal. */
const leaseMs = 20_000 + onItsWayMs;

interface Held {
  /** When renewals, and the hello, were sent. */
  readonly sentMs: Map<string, number>;
  sinceMs: number;
  /** When the process that held it ended. */
  endedMs: number;
}

export const s30: JudgeKind = {
  id: "S30",
  says: "nothing begins to be destroyed at a site whose lease has run out",
  make(report) {
    const leases = new Map<string, Held>();
    const leaseOf = (agent: string): Held => {
      const known = leases.get(agent) ?? {
        sentMs: new Map(),
        sinceMs: -Infinity,
        endedMs: Infinity,
      };
      leases.set(agent, known);
      return known;
    };
    return {
      on: {
        // What a process knew of its lease has gone with it.
        started: ({ process }) => void leases.delete(process),
        ended({ process, atMs }) {
          leaseOf(process).endedMs = atMs;
        },
        sent({ agent, connection, type, sequence, atMs }) {
          if (type === "hello") leaseOf(agent).sentMs.set(`${connection} hello`, atMs);
          if (type === "lease") leaseOf(agent).sentMs.set(`${connection} ${sequence}`, atMs);
        },
        frame({ agent, to, connection, type, sequence }) {
          if (to !== "agent" || (type !== "welcome" && type !== "lease")) return;
          const held = leaseOf(agent);
          const key = `${connection} ${type === "lease" ? sequence : "hello"}`;
          held.sinceMs = Math.max(held.sinceMs, held.sentMs.get(key) ?? -Infinity);
          held.sentMs.delete(key);
        },
        "ramdisk-message"({ machine, direction, type, operationId, atMs }, truth) {
          if (direction !== "to ramdisk" || type !== "go") return;
          const site = truth.machines.get(machine)?.site;
          const since = [...leases].flatMap(([agent, { sinceMs, endedMs }]) =>
            siteOfAgent(agent) === site && atMs - endedMs <= onItsWayMs ? [sinceMs] : [],
          );
          const ageMs = atMs - Math.max(-Infinity, ...since);
          if (ageMs > leaseMs) report(`go for ${operationId}, ${ageMs} ms into the lease`, machine);
        },
      },
    };
  },
};

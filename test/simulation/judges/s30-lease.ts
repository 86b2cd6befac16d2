// S30: a site that has lost the control plane begins to destroy nothing.
import type { JudgeKind } from "./judge.ts";
import { siteOfAgent } from "./operations.ts";

/** The hub gives a lease for 20 s from a renewal; the word "go" is on its way to the ramdisk for the rest. */
const leaseMs = 25_000;

interface Held {
  /** When renewals, and the hello, were sent. */
  readonly sentMs: Map<string, number>;
  sinceMs: number;
}

export const s30: JudgeKind = {
  id: "S30",
  says: "nothing begins to be destroyed at a site whose lease has run out",
  make(report) {
    const leases = new Map<string, Held>();
    const leaseOf = (agent: string): Held => {
      const known = leases.get(agent) ?? { sentMs: new Map(), sinceMs: -Infinity };
      leases.set(agent, known);
      return known;
    };
    return {
      on: {
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
        // What a process knew of its lease has gone with it.
        ended: ({ process }) => void leases.delete(process),
        "ramdisk-message"({ machine, direction, type, operationId, atMs }, truth) {
          if (direction !== "to ramdisk" || type !== "go") return;
          const site = truth.machines.get(machine)?.site;
          const since = [...leases].flatMap(([agent, { sinceMs }]) =>
            siteOfAgent(agent) === site ? [sinceMs] : [],
          );
          const ageMs = atMs - Math.max(-Infinity, ...since);
          if (ageMs > leaseMs) report(`go for ${operationId}, ${ageMs} ms into the lease`, machine);
        },
      },
    };
  },
};

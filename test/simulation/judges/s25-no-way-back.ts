// S25: a control plane whose database went back in time directs no site that knows better.
import type { JudgeKind } from "./judge.ts";

interface Session {
  readonly epoch: number;
  readonly connection: number;
}

export const s25: JudgeKind = {
  id: "S25",
  says: "an agent that has met an epoch that is not newer follows that database no more until it is enrolled anew",
  make(report) {
    /** Highest epoch that an agent has worked in. */
    const highest = new Map<string, Session>();
    const gone = new Map<string, string>();
    return {
      on: {
        frame({ agent, to, type, epoch, connection }) {
          const known = highest.get(agent);
          if (to !== "agent" || type !== "welcome" || epoch === undefined) return;
          if (known === undefined || epoch > known.epoch || connection === known.connection) return;
          gone.set(agent, `it was welcomed with epoch ${epoch} after ${known.epoch}`);
        },
        sent({ agent, type, epoch, connection }) {
          if (epoch === undefined) return;
          const known = highest.get(agent);
          if (known === undefined || epoch > known.epoch) highest.set(agent, { epoch, connection });
          else if (epoch < known.epoch) {
            report(`sent ${type} of epoch ${epoch} after ${known.epoch}`, agent);
          }
          const why = gone.get(agent);
          if (why !== undefined) report(`sent ${type} of epoch ${epoch}, and ${why}`, agent);
        },
        enrolled({ agent }) {
          highest.delete(agent);
          gone.delete(agent);
        },
      },
    };
  },
};

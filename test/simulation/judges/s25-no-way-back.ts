// S25: a control plane whose database went back in time directs no site that knows better, unless it has heard so.
import { HeardTurns } from "./heard-turns.ts";
import type { JudgeKind } from "./judge.ts";

interface Session {
  readonly epoch: number;
  readonly connection: number;
}

export const s25: JudgeKind = {
  id: "S25",
  says: "an agent that has met an epoch that is not newer follows that database no more until it is enrolled anew, and one that has heard more than a restored database knows is welcomed as such",
  make(report) {
    /** Highest epoch that an agent has worked in. */
    const highest = new Map<string, Session>();
    const gone = new Map<string, string>();
    const turns = new HeardTurns();
    return {
      on: {
        hello: (event) => turns.onHello(event),
        commit: (event) => turns.onCommit(event),
        fault: (event, truth) => turns.onFault(event, truth),
        frame(event) {
          const { agent, to, type, epoch, connection } = event;
          const problem = turns.problemOf(event);
          if (problem !== undefined) report(problem, agent);
          const known = highest.get(agent);
          if (to !== "agent" || type !== "welcome" || epoch === undefined) return;
          if (known === undefined || epoch > known.epoch || connection === known.connection) return;
          gone.set(agent, `it was welcomed with epoch ${epoch} after ${known.epoch}`);
        },
        sent(event) {
          const { agent, type, epoch, connection } = event;
          turns.onSent(event);
          if (epoch === undefined) return;
          const known = highest.get(agent);
          if (known === undefined || epoch > known.epoch) highest.set(agent, { epoch, connection });
          else if (epoch < known.epoch) {
            report(`sent ${type} of epoch ${epoch} after ${known.epoch}`, agent);
          }
          const why = gone.get(agent);
          if (why !== undefined) report(`sent ${type} of epoch ${epoch}, and ${why}`, agent);
        },
        enrolled(event) {
          const { agent } = event;
          turns.onEnrolled(event);
          highest.delete(agent);
          gone.delete(agent);
        },
      },
    };
  },
};

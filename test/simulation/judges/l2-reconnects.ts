// L2: an agent that lost its link has one again soon after nothing stands in the way any more. That it goes on with
// its work is for L5, and for L20.
import { Calm, either, ofAgent, ofHub } from "./calm.ts";
import type { JudgeKind } from "./judge.ts";
import { isCopy, Links } from "./links.ts";
import { Waits } from "./waits.ts";

const boundMs = 60_000;

export const l2: JudgeKind = {
  id: "L2",
  says: "60 s after its partition, its own end and those of the hub are over an agent is connected again",
  make(report) {
    const calm = new Calm();
    const links = new Links();
    const since = (agent: string) => calm.sinceMs(either(ofHub, ofAgent(agent)));
    const waits = new Waits(boundMs, (agent, afterMs) =>
      report(`${agent} was without a session for ${afterMs} ms`, agent),
    );
    return {
      on: {
        ...calm.on,
        link(event) {
          links.onLink(event);
          if (isCopy(event.agent)) return;
          if (!links.sessions.has(event.agent)) waits.begin(event.agent, event.atMs);
        },
        frame(event) {
          if (links.onFrame(event)) waits.end(event.agent, event.atMs, since(event.agent));
        },
      },
      look: (truth) => waits.look(truth.nowMs(), since),
    };
  },
};

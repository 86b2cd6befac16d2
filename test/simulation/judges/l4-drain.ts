// L4: an instance of the control plane that is stopped drains in time, and its agents are at another one soon. That no
// operation is lost is for S10, S34 and L20. Real time has its own test of the stopping program.
import { Calm, either, ofAgent, ofHub } from "./calm.ts";
import type { Matters } from "./calm.ts";
import type { JudgeKind } from "./judge.ts";
import { Links } from "./links.ts";
import { Waits } from "./waits.ts";

const drainMs = 4_000;
const elsewhereMs = 10_000;

export const l4: JudgeKind = {
  id: "L4",
  says: "a stopped instance is gone in 4 s, and 10 s after the stop its agents are at another one",
  make(report) {
    const calm = new Calm();
    const links = new Links();
    const stopping = new Map<string, number>();
    const ofDatabase: Matters = ({ what }) => what.startsWith("database-");
    /** Without the stop itself. */
    const sinceMs = (key: string): number | undefined => {
      const [agent = "", instance] = key.split(" ");
      return calm.sinceMs((trouble) => {
        const isItself = trouble.target === instance && trouble.what !== "control-plane-crash";
        return !isItself && either(ofHub, ofAgent(agent))(trouble);
      });
    };
    const moves = new Waits(elsewhereMs, (key, afterMs) => {
      const [agent, instance] = key.split(" ");
      report(`${agent} was at no instance ${afterMs} ms after ${instance} was stopped`, agent);
    });
    return {
      on: {
        ...calm.on,
        fault(event) {
          calm.on.fault(event);
          const { fault, target, atMs } = event;
          if (fault !== "control-plane-stop") return;
          stopping.set(target, atMs);
          for (const [agent, { instance }] of links.sessions) {
            if (instance === target) moves.begin(`${agent} ${instance}`, atMs);
          }
        },
        ended(event) {
          calm.on.ended(event);
          const { process, atMs } = event;
          const sinceMs = stopping.get(process);
          stopping.delete(process);
          const calmMs = calm.sinceMs(ofDatabase);
          if (sinceMs === undefined || calmMs === undefined || calmMs > sinceMs) return;
          if (atMs - sinceMs > drainMs) report(`${process} took ${atMs - sinceMs} ms`, process);
        },
        link: (event) => void links.onLink(event),
        frame(event) {
          if (!links.onFrame(event)) return;
          for (const key of moves.keys) {
            const [agent, instance] = key.split(" ");
            if (agent !== event.agent || instance === event.instance) continue;
            moves.end(key, event.atMs, sinceMs(key));
          }
        },
      },
      look: (truth) => moves.look(truth.nowMs(), sinceMs),
    };
  },
};

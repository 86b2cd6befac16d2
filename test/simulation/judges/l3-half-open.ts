// L3: an end of a link from which nothing comes any more is closed in time, whatever became of the other end.
import { Calm, ofProgram } from "./calm.ts";
import type { JudgeKind } from "./judge.ts";

const boundMs = 45_000;

interface End {
  readonly agent: string;
  readonly side: "agent" | "hub";
  heardMs: number;
}

export const l3: JudgeKind = {
  id: "L3",
  says: "an end of a link that heard nothing for 45 s is closed",
  make(report) {
    const calm = new Calm();
    const ends = new Map<string, End>();
    const check = ({ agent, side, heardMs }: End, nowMs: number): void => {
      // An agent that stands still closes nothing; its hub does.
      const calmMs = side === "hub" ? -Infinity : calm.sinceMs(ofProgram(agent));
      if (calmMs === undefined) return;
      const silentMs = nowMs - Math.max(heardMs, calmMs);
      if (silentMs > boundMs) report(`the ${side}'s end heard nothing for ${silentMs} ms`, agent);
    };
    return {
      on: {
        ...calm.on,
        link({ agent, connection, change, atMs }) {
          for (const side of ["agent", "hub"] as const) {
            const key = `${agent} ${connection} ${side}`;
            // An agent that gave up before the hub answered has no end.
            if (change === "opened" && side === "hub")
              ends.set(key, { agent, side, heardMs: atMs });
            else if (change === `${side} end closed`) {
              const end = ends.get(key);
              if (end !== undefined) check(end, atMs);
              ends.delete(key);
            }
          }
        },
        frame({ agent, connection, to, atMs }) {
          const key = `${agent} ${connection} ${to}`;
          const end = ends.get(key);
          if (end !== undefined) end.heardMs = atMs;
          else if (to === "agent") ends.set(key, { agent, side: to, heardMs: atMs });
        },
      },
      look(truth) {
        for (const end of ends.values()) check(end, truth.nowMs());
      },
    };
  },
};

// L5: an agent that starts again knows soon what becomes of the work that it was in the middle of. Farrier's design
// resumes nothing: "resumed" here is that each such operation has an end in the journal, so that the control plane can
// decide anew. A ramdisk gets its bytes from the agent, and cannot go on without it.
import type { Truth } from "../world/truth.ts";
import { Calm, ofProgram } from "./calm.ts";
import type { JudgeKind } from "./judge.ts";
import { Waits } from "./waits.ts";

const boundMs = 60_000;

export const l5: JudgeKind = {
  id: "L5",
  says: "60 s after its start an agent has ended in its journal what it had left unfinished",
  make(report) {
    const calm = new Calm();
    const sinceMs = (key: string) => calm.sinceMs(ofProgram(key.split(" ")[0] ?? ""));
    const waits = new Waits(boundMs, (key, afterMs) =>
      report(`${key} has no end ${afterMs} ms after the start`, key.split(" ")[0]),
    );
    const unfinished = (truth: Truth, agent: string): readonly string[] =>
      truth
        .journal(agent)
        .flatMap((journal) => (journal.agent === agent ? journal.rows : []))
        .flatMap(({ state, operationId }) =>
          state === "finished" ? [] : [`${agent} ${operationId}`],
        );
    return {
      on: {
        ...calm.on,
        started(event, truth) {
          calm.on.started(event);
          const { process, atMs } = event;
          for (const key of waits.keys) if (key.startsWith(`${process} `)) waits.drop(key);
          for (const key of unfinished(truth, process)) waits.begin(key, atMs);
        },
      },
      look(truth) {
        const agents = new Set(waits.keys.map((key) => key.split(" ")[0] ?? ""));
        const left = new Set([...agents].flatMap((agent) => unfinished(truth, agent)));
        for (const key of waits.keys) {
          if (!left.has(key)) waits.end(key, truth.nowMs(), sinceMs(key));
        }
        waits.look(truth.nowMs(), sinceMs);
      },
    };
  },
};

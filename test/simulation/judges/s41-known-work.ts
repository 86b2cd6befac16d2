// S41: an agent runs only work that it said it knows, and a ramdisk only steps that there are. No scenario has programs
// of several versions yet (L18): until then this can only speak when somebody invents work.
import type { JudgeKind } from "./judge.ts";

const steps: readonly string[] = ["inspect", "erase", "write", "leave"];

export const s41: JudgeKind = {
  id: "S41",
  says: "work and steps of a kind that an executor does not know are refused, and never guessed",
  make(report) {
    /** By agent: what its newest hello said. */
    const known = new Map<string, ReadonlySet<string>>();
    /** Operations of a kind that their agent does not know. */
    const foreign = new Map<string, string>();
    const guessed = new Set<string>();
    return {
      on: {
        hello: ({ agent, capabilities }) => void known.set(agent, new Set(capabilities)),
        delivered({ agent, work, operationId }) {
          if (work === undefined || operationId === undefined) return;
          if (known.get(agent)?.has(work) === false) foreign.set(operationId, work);
        },
        reported({ agent, what, operationId = "" }) {
          const work = foreign.get(operationId);
          if (
            work === undefined ||
            (what !== "operation-started" && what !== "operation-succeeded")
          )
            return;
          report(`${what} of ${operationId}, and it knows no ${work}`, agent);
        },
        "ramdisk-message"({ machine, direction, type, step, operationId = "" }) {
          const work = foreign.get(operationId);
          if (work !== undefined && type === "run") {
            report(`${operationId} runs, and its agent knows no ${work}`, machine);
          }
          if (type === "run" && step !== undefined && !steps.includes(step))
            guessed.add(operationId);
          const acts = direction === "to agent" && (type === "may-destroy" || type === "done");
          if (acts && guessed.has(operationId)) {
            report(`${type} in a step that no ramdisk knows`, machine);
          }
        },
      },
    };
  },
};

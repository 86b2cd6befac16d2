// S20: while an operation works on a machine nobody else of ours cuts its power, nor does another of its host begin.
import type { JudgeKind } from "./judge.ts";
import { siteOfAgent } from "./operations.ts";
import { SideBySide } from "./side-by-side.ts";
import { Swapped } from "./swapped.ts";

/** A ramdisk that was heard so lately is at work; its operation knows it. */
const heardMs = 15_000;
const cuts: readonly string[] = ["off", "cycle", "reset", "soft"];

interface Work {
  readonly operationId: string;
  readonly boot: number;
  readonly heardMs: number;
}

export const s20: JudgeKind = {
  id: "S20",
  says: "no agent cuts the power of a machine on which a step is running, and works for one order of a host at a time",
  make(report) {
    const works = new Map<string, Work>();
    const swapped = new Swapped();
    const orders = new SideBySide();
    return {
      look(truth) {
        for (const { agent, problem } of orders.look(truth)) report(problem, agent);
      },
      on: {
        delivered: (event) => orders.onDelivered(event),
        fault: (event) => swapped.onFault(event),
        "ramdisk-message"({ machine, boot, direction, type, step, operationId, atMs }) {
          const work = works.get(machine);
          if (direction === "to ramdisk") {
            const begins = type === "run" && step !== "leave" && operationId !== undefined;
            if (begins) works.set(machine, { operationId, boot, heardMs: atMs });
            else if (type !== "go") works.delete(machine);
          } else if (type === "done" || type === "failed") works.delete(machine);
          else if (work?.boot === boot) works.set(machine, { ...work, heardMs: atMs });
        },
        running: ({ machine }) => void works.delete(machine),
        // Its work is given up with it.
        ended({ process }, truth) {
          for (const machine of works.keys()) {
            if (truth.machines.get(machine)?.site === siteOfAgent(process)) works.delete(machine);
          }
        },
        "power-command"({ machine, action, agent, atMs }) {
          const work = works.get(machine);
          if (work === undefined || agent === undefined || !cuts.includes(action)) return;
          if (swapped.has(machine) || atMs - work.heardMs > heardMs) return;
          report(`${action} by ${agent} in the middle of ${work.operationId}`, machine);
        },
      },
    };
  },
};

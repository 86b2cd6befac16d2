// S26: of two agents with one identity one acts.
import type { WorldEvent } from "../world/events.ts";
import type { JudgeKind } from "./judge.ts";

export const s26: JudgeKind = {
  id: "S26",
  says: "of two agents with one identity only one acts within a minute",
  make(report) {
    const last = new Map<string, { readonly agent: string; readonly atMs: number }>();
    const started = new Map<string, number>();
    /** Told to stop: another may act as soon as it has ended its work, so this one may not act again. */
    const stopping = new Set<string>();
    const act = ({
      machine,
      agent,
      atMs,
    }: Extract<WorldEvent, { readonly kind: "power-command" }>) => {
      if (agent === undefined) return;
      const site = agent.split("#")[0] ?? agent;
      const known = last.get(site);
      const isOther = known !== undefined && known.agent !== agent;
      // What the other did before this one was there is nothing to it.
      const wereTwo = isOther && known.atMs >= (started.get(agent) ?? -Infinity);
      if (wereTwo && !stopping.has(known.agent) && atMs - known.atMs < 10_000) {
        report(`${known.agent} and ${agent} switched within ${atMs - known.atMs} ms`, machine);
      }
      last.set(site, { agent, atMs });
    };
    return {
      on: {
        started({ process, atMs }) {
          started.set(process, atMs);
          stopping.delete(process);
        },
        fault({ fault, target }) {
          if (fault === "agent-stop") stopping.add(target);
        },
        "power-command": act,
      },
    };
  },
};

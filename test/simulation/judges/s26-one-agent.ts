// S26: of two agents with one identity one acts, and who was told that it is the other does nothing any more.
import type { WorldEvent } from "../world/events.ts";
import type { JudgeKind } from "./judge.ts";
import { ToldAgents } from "./told-agents.ts";

type EventOf<K extends WorldEvent["kind"]> = Extract<WorldEvent, { readonly kind: K }>;

export const s26: JudgeKind = {
  id: "S26",
  says: "of two agents with one identity only one acts within a minute, and none that was told so",
  make(report) {
    const last = new Map<string, { readonly agent: string; readonly atMs: number }>();
    const started = new Map<string, number>();
    /** Told to stop: another may act as soon as it has ended its work, so this one may not act again. */
    const stopping = new Set<string>();
    const told = new ToldAgents();
    const judgeTold = (event: EventOf<"power-command"> | EventOf<"boot-device">): void => {
      const agoMs = told.toldAgoMs(event);
      if (agoMs === undefined) return;
      const does = event.kind === "power-command" ? event.action : "boot device";
      report(`${does} by ${event.agent}, ${agoMs} ms after it was told to end`, event.machine);
    };
    const act = ({ machine, agent, atMs }: EventOf<"power-command">): void => {
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
        started(event) {
          const { process, atMs } = event;
          told.onStarted(event);
          started.set(process, atMs);
          stopping.delete(process);
        },
        fault(event) {
          const { fault, target } = event;
          told.onFault(event);
          if (fault === "agent-stop") stopping.add(target);
        },
        link: (event) => told.onLink(event),
        frame: (event) => told.onFrame(event),
        delivered: (event) => told.onDelivered(event),
        "ramdisk-message": (event, truth) => told.onMessage(event, truth),
        "power-command"(event) {
          act(event);
          judgeTold(event);
        },
        "boot-device": judgeTold,
      },
    };
  },
};

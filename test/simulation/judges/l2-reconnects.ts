// L2: an agent that lost its link has one again soon after nothing stands in the way any more. That it goes on with
// its work is for L5, and for L20.
import type { Truth } from "../world/truth.ts";
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
    /** Until when each agent was not approved: it may not connect. */
    const refused = new Map<string, number>();
    const since = (agent: string): number | undefined => {
      const calmMs = calm.sinceMs(either(ofHub, ofAgent(agent)));
      return calmMs === undefined ? undefined : Math.max(calmMs, refused.get(agent) ?? -Infinity);
    };
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
      look(truth) {
        for (const agent of unapproved(truth)) refused.set(agent, truth.nowMs());
        waits.look(truth.nowMs(), since);
      },
    };
  },
};

/** Suspended, or forgotten by a database that was restored; by the newest that is known of each. */
function unapproved(truth: Truth): readonly string[] {
  const newest = new Map<string, Readonly<Record<string, unknown>>>();
  for (const row of truth.rows("agents") ?? []) {
    const name = String(row["hostname"]);
    const known = newest.get(name);
    const isNewer = Number(row["enrolled_at"]) >= Number(known?.["enrolled_at"] ?? 0);
    if (isNewer) newest.set(name, row);
  }
  return [...newest].flatMap(([name, { state }]) => (state === "approved" ? [] : [name]));
}

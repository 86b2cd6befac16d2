// S27: an agent gets the hosts of its own site, and speaks of no others.
import type { KubernetesObject } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { onItsWayMs } from "./history.ts";
import type { JudgeKind } from "./judge.ts";
import { siteOfAgent } from "./operations.ts";

interface Stay {
  readonly site: string;
  untilMs: number;
}

export const s27: JudgeKind = {
  id: "S27",
  says: "an agent is told of hosts of its own site only, and reports on them only",
  make(report) {
    /** Where each host has been, by uid. */
    const stays = new Map<string, Stay[]>();
    const isForeign = (agent: string, hostUid: string | undefined, sinceMs: number): boolean => {
      const known = stays.get(hostUid ?? "");
      if (known === undefined) return false;
      const site = siteOfAgent(agent);
      return !known.some((stay) => stay.site === site && stay.untilMs >= sinceMs);
    };
    return {
      on: {
        object({ after, atMs }, truth) {
          const site = siteOf(after, truth);
          if (site === undefined) return;
          const known = stays.get(after.metadata.uid) ?? [];
          stays.set(after.metadata.uid, known);
          const last = known.at(-1);
          if (last?.site === site) return;
          if (last !== undefined) last.untilMs = atMs;
          known.push({ site, untilMs: Infinity });
        },
        delivered({ agent, what, hostUid, atMs }) {
          if (what !== "document" && what !== "operation") return;
          if (isForeign(agent, hostUid, atMs - onItsWayMs)) {
            report(`${agent} was given the ${what} of a host of another site: ${hostUid}`, agent);
          }
        },
        reported({ agent, what, hostUid }) {
          if (isForeign(agent, hostUid, 0)) {
            report(`${agent} told "${what}" of a host of another site: ${hostUid}`, agent);
          }
        },
      },
    };
  },
};

/** Undefined: not a host, or it is at none. */
function siteOf({ kind, metadata }: KubernetesObject, { sites }: Truth): string | undefined {
  if (kind !== "BareMetalHost") return undefined;
  return metadata.labels?.["farrier.dev/site"] ?? (sites.length === 1 ? sites[0] : undefined);
}

// S9: nothing is done for an order that is older than what the site has durably seen.
import type { JournalRow } from "../world/truth.ts";
import type { JudgeKind } from "./judge.ts";
import { partsOfOperation, siteOfAgent } from "./operations.ts";

/** A word that was said before the newer order came has reached the ramdisk by then. */
const saidBeforeMs = 10_000;

interface Newest {
  readonly revision: number;
  readonly sinceMs: number;
}

export const s9: JudgeKind = {
  id: "S9",
  says: "no step is done of an operation or revision older than the newest that its site has stored, and none replaces it",
  make(report) {
    /** By "agent delivery": documents that are not acknowledged yet. */
    const pending = new Map<string, { readonly hostUid: string; readonly revision: number }>();
    /** Acknowledged, by agent and host. */
    const newest = new Map<string, Map<string, Newest>>();
    const ordered = new Map<string, number>();
    /** Agents that have acknowledged something since they were looked at. */
    const changed = new Set<string>();
    /** From then on the control plane may count anew. */
    let isRestored = false;
    const store = (agent: string, hostUid: string, found: Newest): void => {
      const hosts = newest.get(agent) ?? new Map<string, Newest>();
      newest.set(agent, hosts);
      if ((hosts.get(hostUid)?.revision ?? 0) < found.revision) hosts.set(hostUid, found);
    };
    /** Revision that an agent that is meant had stored by then. */
    const storedAt = (
      isMeant: (agent: string) => boolean,
      hostUid: string,
      beforeMs: number,
    ): number => {
      const found = [...newest].flatMap(([agent, hosts]) => {
        const known = isMeant(agent) ? hosts.get(hostUid) : undefined;
        return known !== undefined && known.sinceMs < beforeMs ? [known.revision] : [];
      });
      return Math.max(0, ...found);
    };
    return {
      on: {
        delivered({ agent, id, what, hostUid, revision, operationId }) {
          if (revision === undefined) return;
          if (what === "operation") ordered.set(operationId ?? "", revision);
          else pending.set(`${agent} ${id}`, { hostUid, revision });
        },
        fault({ fault }) {
          isRestored ||= fault === "database-restored";
        },
        sent({ agent, stored = [], atMs }) {
          if (stored.length > 0) changed.add(agent);
          for (const id of stored) {
            const found = pending.get(`${agent} ${id}`);
            pending.delete(`${agent} ${id}`);
            if (found !== undefined) {
              store(agent, found.hostUid, { revision: found.revision, sinceMs: atMs });
            }
          }
        },
        enrolled: ({ agent }) => void newest.delete(agent),
        "ramdisk-message"({ machine, agent, direction, type, operationId = "", atMs }, truth) {
          if (direction !== "to ramdisk" || (type !== "go" && type !== "run")) return;
          const site = truth.machines.get(machine)?.site ?? "";
          // Of two agents with one identity each is held to what it has stored itself.
          const isMeant = (name: string): boolean =>
            agent === undefined ? siteOfAgent(name) === site : name === agent;
          const rows = truth
            .journal(site)
            .flatMap((journal) => (isMeant(journal.agent) ? journal.rows : []));
          const later = laterThan(operationId, type, rows);
          if (later !== undefined)
            report(`${type} for ${operationId}, and ${later.operationId} is journaled`, machine);
          const revision = ordered.get(operationId) ?? Infinity;
          const { hostUid } = partsOfOperation(operationId);
          const newer = storedAt(isMeant, hostUid, atMs - saidBeforeMs);
          if (type !== "go" || newer <= revision) return;
          report(`go for ${operationId} of revision ${revision}, and ${newer} was stored`, machine);
        },
      },
      look(truth) {
        for (const agent of isRestored ? [] : changed) {
          const revisions = truth.revisions(agent);
          for (const [hostUid, { revision: newer }] of newest.get(agent) ?? []) {
            const revision = revisions.get(hostUid) ?? newer;
            if (revision < newer) report(`${revision} was stored over ${newer}`, hostUid);
          }
        }
        changed.clear();
      },
    };
  },
};

/** One that was only taken in may wait for the end of what is under way, but nothing that waits may destroy. */
function laterThan(
  operationId: string,
  type: string,
  rows: readonly JournalRow[],
): JournalRow | undefined {
  const { hostUid, number } = partsOfOperation(operationId);
  return rows.find((row) => {
    const other = partsOfOperation(row.operationId);
    const counts = type === "go" || row.state !== "accepted";
    return counts && other.hostUid === hostUid && other.number > number;
  });
}

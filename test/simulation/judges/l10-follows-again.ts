// L10: after a restart or a forgotten history of an API server its hosts are followed again, and what was deleted
// meanwhile is noticed: its site is told, or finds out by itself. Fleets here are small; the list of 5,000 hosts is measured by test/bench.
import { betweenPeopleAndAgents, Calm } from "./calm.ts";
import type { JudgeKind } from "./judge.ts";
import { Waits } from "./waits.ts";

const relistMs = 30_000;
/** And what it found reaches the site, as L1 has it. */
const noticedMs = relistMs + 35_000;
const followed: readonly string[] = ["baremetalhosts", "hardwaredata", "namespaces"];

export const l10: JudgeKind = {
  id: "L10",
  says: "30 s after an API server is back its hosts are followed, and then 35 s later its missed deletions are noticed",
  make(report) {
    const calm = new Calm();
    const open = new Map<string, number>();
    const told = new Set<string>();
    const sinceMs = () => calm.connectedSinceMs(betweenPeopleAndAgents);
    const watches = new Waits(relistMs, (key, afterMs) =>
      report(`nobody followed ${key} for ${afterMs} ms`, key),
    );
    const removals = new Waits(noticedMs, (uid, afterMs) =>
      report(`a site still has ${uid}, which is gone for ${afterMs} ms`, uid),
    );
    return {
      on: {
        ...calm.on,
        watch(event) {
          if (!followed.includes(event.resource)) return;
          const key = `${event.resource} of ${event.cluster}`;
          const count = Math.max(0, (open.get(key) ?? 0) + (event.open ? 1 : -1));
          open.set(key, count);
          if (count === 0) watches.begin(key, event.atMs);
          else watches.end(key, event.atMs, sinceMs());
        },
        delivered({ what, hostUid, atMs }) {
          if (what === "document") told.add(hostUid);
          if (what !== "remove-document") return;
          told.delete(hostUid);
          removals.end(hostUid, atMs, sinceMs());
        },
        object({ after, verb, atMs }) {
          const { uid } = after.metadata;
          if (verb === "gone" && told.has(uid)) removals.begin(uid, atMs);
        },
      },
      look(truth) {
        watches.look(truth.nowMs(), sinceMs);
        for (const uid of removals.keys)
          if (truth.holders(uid).length === 0) removals.end(uid, truth.nowMs(), sinceMs());
        removals.look(truth.nowMs(), sinceMs);
      },
    };
  },
};

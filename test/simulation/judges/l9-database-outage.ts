// L9: while the database is down admission answers, and soon after its return every instance works with it again. That
// nothing which was accepted is lost is for L20 and S39.
import { Calm } from "./calm.ts";
import type { Matters } from "./calm.ts";
import type { JudgeKind } from "./judge.ts";
import { Waits } from "./waits.ts";

const answersWithinMs = 2_000;
const backWithinMs = 5_000;

export const l9: JudgeKind = {
  id: "L9",
  says: "with the database down admission answers in 2 s; 5 s after its return a statement succeeds at each instance",
  make(report) {
    const calm = new Calm();
    const downSince = new Map<string, number>();
    const ofDatabase: Matters = ({ what }) => what.startsWith("database-");
    const sinceMs = (process: string): number | undefined =>
      calm.sinceMs((trouble) => ofDatabase(trouble) || trouble.target === process);
    const waits = new Waits(backWithinMs, (process, afterMs) =>
      report(`${process} had no success ${afterMs} ms after the database's return`, process),
    );
    return {
      on: {
        ...calm.on,
        fault(event) {
          calm.on.fault(event);
          if (event.fault === "database-down") downSince.set(event.target, event.atMs);
        },
        "fault-ended"(event) {
          calm.on["fault-ended"](event);
          if (event.fault === "database-down") downSince.delete(event.target);
        },
        healed(event) {
          calm.on.healed(event);
          downSince.clear();
        },
        ended(event) {
          calm.on.ended(event);
          waits.drop(event.process);
        },
        database({ process, answers, atMs }) {
          if (answers) waits.end(process, atMs, sinceMs(process));
          else waits.begin(process, atMs);
        },
        review({ cluster, tookMs, atMs }) {
          const askedMs = atMs - (tookMs ?? 3_000);
          const sinceDownMs = Math.min(...downSince.values());
          // One that begins or ends to run may not answer, nor one behind a webhook that cannot be reached.
          const hindered = calm.sinceMs(
            ({ what, target }) =>
              target.startsWith("control-plane") ||
              (what === "webhook-unreachable" && target === cluster),
          );
          if (hindered === undefined || hindered > askedMs || askedMs < sinceDownMs) return;
          if (tookMs !== undefined && tookMs <= answersWithinMs) return;
          report(`admission: ${tookMs === undefined ? "no answer" : `${tookMs} ms`}`, cluster);
        },
      },
      look: (truth) => waits.look(truth.nowMs(), sinceMs),
    };
  },
};

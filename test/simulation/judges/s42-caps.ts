// S42: what is kept stays small, whatever happens. The caps are far above what a host needs, and far below what would
// fill a disk; rows of the control plane are seen in the tier in memory only.
import type { JudgeKind } from "./judge.ts";
import type { Row } from "./row-counts.ts";

/** By table. */
const rowsOfHost = { outbox: 200, operations: 1_000 };
/** An agent keeps the newest 20 that have ended, and what is not done yet. */
const journalRows = 25;
/** Of one agent: what waits to be told to the control plane. */
const observationRows = 5_000;

export const s42: JudgeKind = {
  id: "S42",
  says: "outbox, operations, journals and observations stay below fixed sizes",
  make(report) {
    const check = (what: string, count: number, cap: number): void => {
      if (count > cap) report(`${count} rows, of ${cap} at most`, what);
    };
    return {
      on: {},
      look(truth) {
        for (const [table, cap] of Object.entries(rowsOfHost)) {
          const rows = truth.rows(table) ?? [];
          // No host has more of them than there are.
          if (rows.length <= cap) continue;
          for (const [uid, count] of countByHost(rows)) check(`${table} of ${uid}`, count, cap);
        }
      },
      atEnd(truth) {
        for (const site of truth.sites) {
          check(`observations of ${site}`, truth.waiting(site), observationRows);
          for (const { agent, rows } of truth.journal(site)) {
            const counts = new Map<string, number>();
            for (const { operationId } of rows) add(counts, operationId.replace(/\.\d+$/, ""));
            for (const [uid, count] of counts)
              check(`journal of ${agent}, ${uid}`, count, journalRows);
          }
        }
      },
    };
  },
};

function countByHost(rows: readonly Row[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) add(counts, String(row["host_uid"]));
  return counts;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

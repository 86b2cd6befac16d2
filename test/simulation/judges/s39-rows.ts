// S39: the rows of the control plane's database fit together after each statement. Written by hand from what the tables
// are for, and asked of the tier in memory; that a real server holds it when it dies at any statement is for
// test/contract.
import type { WorldEvent } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import type { JudgeKind } from "./judge.ts";
import { keyCounts, references, RowCounts } from "./row-counts.ts";
import type { Row } from "./row-counts.ts";

type Commit = Extract<WorldEvent, { readonly kind: "commit" }>;

const operationStates: readonly unknown[] = [
  "pending",
  "accepted",
  "running",
  "succeeded",
  "failed",
];

export const s39: JudgeKind = {
  id: "S39",
  says: "rows name rows that are there, keys are unique, and what has ended has an outcome",
  make(report) {
    let counts: RowCounts | undefined;
    /** Of one statement: its changes are told one by one. */
    let changes: Commit[] = [];
    /** Whether this statement's changes were counted with everything else. */
    let isCounted = false;
    const judge = (): void => {
      const [first] = changes;
      const judged = changes;
      changes = [];
      if (first === undefined) return;
      const counted = judged.filter(({ table, before, after }) =>
        counts?.change(table, before, after),
      );
      for (const { table, before, after } of counted) {
        const problem =
          (after === undefined ? undefined : misfitOf(counts, table, after)) ??
          (before === undefined ? undefined : counts?.missing(table, before));
        if (problem !== undefined) report(`after ${first.statement}: ${problem}`, table);
      }
      for (const { table, after } of judged) {
        if (table !== "operations" || after === undefined) continue;
        const problem = operationProblem(after);
        if (problem !== undefined) report(`after ${first.statement}: ${problem}`, table);
      }
    };
    return {
      on: {
        commit(event, truth) {
          const isFirst = event.place === 0;
          if (isFirst) judge();
          if (counts !== undefined && (isFirst || !isCounted)) changes.push(event);
          isCounted = counts === undefined || (isCounted && !isFirst);
          // The first statement, and all that was there before it.
          counts ??= countAll(truth);
        },
        // A restored backup is not told row by row.
        fault({ fault }) {
          if (fault === "database-restored") [counts, changes, isCounted] = [undefined, [], false];
        },
      },
      look: judge,
      atEnd: judge,
    };
  },
};

function countAll(truth: Truth): RowCounts {
  const counts = new RowCounts();
  const tables = new Set([...references.flatMap(({ from, to }) => [from, to]), ...keyTables]);
  for (const table of tables) {
    for (const row of truth.rows(table) ?? []) counts.change(table, undefined, row);
  }
  return counts;
}

const keyTables = keyCounts.map(({ table }) => table);

function misfitOf(counts: RowCounts | undefined, table: string, row: Row): string | undefined {
  return counts?.dangling(table, row) ?? counts?.doubled(table, row);
}

function operationProblem(row: Row): string | undefined {
  const name = `operation ${String(row["id"])}`;
  const { state } = row;
  const has = (column: string): boolean => row[column] !== null && row[column] !== undefined;
  if (!operationStates.includes(state)) return `${name} is ${String(state)}`;
  const hasEnded = state === "succeeded" || state === "failed";
  const hasOutcome = (has("result") || has("failure")) && has("ended_at");
  if (hasEnded && !hasOutcome) return `${name} has ended without an outcome`;
  return has("result") && has("failure") ? `${name} has a result and a failure` : undefined;
}

// The operation journal: accepted → started → destroying → finished, each on disk before the agent acts on it.
// A repeated id never runs again. After a crash nothing is resumed: what had passed its point of no return
// ends as `interrupted`, everything else as not begun, and the control plane decides anew.
import {
  operation,
  operationFailure,
  operationResult,
  type Operation,
  type OperationFailure,
  type OperationResult,
} from "../../shared/protocol/operation.ts";
import type { AgentDatabase } from "../ports.ts";

export type Outcome =
  | { readonly ok: true; readonly result: OperationResult }
  | { readonly ok: false; readonly failure: OperationFailure };

export type JournalState = "accepted" | "started" | "destroying" | "finished";

export interface JournalEntry {
  readonly operation: Operation;
  readonly state: JournalState;
  readonly outcome: Outcome | undefined;
}

export interface Journal {
  find(id: string): JournalEntry | undefined;
  /** "known" with its entry when the id was seen before: it must not run again. */
  accept(operation: Operation): { kind: "new" } | { kind: "known"; entry: JournalEntry };
  start(id: string): void;
  /** The point of no return: after this call the operation may destroy. */
  destroying(id: string): void;
  finish(id: string, outcome: Outcome): void;
  isDestroying(id: string): boolean;
  unfinished(): readonly JournalEntry[];
  /** Of a host, newest first. */
  ofHost(hostUid: string): readonly JournalEntry[];
  /** Forgets finished operations of the host but the newest `keep`. */
  trim(hostUid: string, keep: number): void;
}

export function makeJournal(database: AgentDatabase): Journal {
  const find = (id: string): JournalEntry | undefined => {
    const [row] = database.all("SELECT body, state, outcome FROM operations WHERE id = ?", id);
    return row === undefined ? undefined : entryOf(row);
  };
  const move = (
    id: string,
    to: JournalState,
    from: readonly JournalState[],
    outcome: string | null,
  ) => {
    const { changes } = database.run(
      `UPDATE operations SET state = ?, outcome = ? WHERE id = ? AND state IN (${from.map(() => "?").join(", ")})`,
      to,
      outcome,
      id,
      ...from,
    );
    if (changes !== 1) throw new Error(`operation ${id} cannot become ${to} now`);
  };
  return {
    find,
    accept(incoming) {
      const entry = find(incoming.id);
      if (entry !== undefined) return { kind: "known", entry };
      database.run(
        "INSERT INTO operations (id, host_uid, body, state) VALUES (?, ?, ?, 'accepted')",
        incoming.id,
        incoming.hostUid,
        JSON.stringify(incoming),
      );
      return { kind: "new" };
    },
    start: (id) => move(id, "started", ["accepted"], null),
    destroying: (id) => move(id, "destroying", ["started", "destroying"], null),
    finish: (id, outcome) =>
      move(id, "finished", ["accepted", "started", "destroying"], JSON.stringify(outcome)),
    isDestroying: (id) => find(id)?.state === "destroying",
    unfinished: () =>
      database
        .all("SELECT body, state, outcome FROM operations WHERE state <> 'finished' ORDER BY rowid")
        .map(entryOf),
    ofHost: (hostUid) =>
      database
        .all(
          "SELECT body, state, outcome FROM operations WHERE host_uid = ? ORDER BY rowid DESC",
          hostUid,
        )
        .map(entryOf),
    trim(hostUid, keep) {
      database.run(
        `DELETE FROM operations WHERE host_uid = ? AND state = 'finished' AND rowid NOT IN (
           SELECT rowid FROM operations WHERE host_uid = ? ORDER BY rowid DESC LIMIT ?)`,
        hostUid,
        hostUid,
        keep,
      );
    },
  };
}

/** How an unfinished operation ends when the agent finds it in its journal after a restart. */
export function outcomeAfterRestart(state: JournalState): Outcome {
  const destroyed = state === "destroying";
  return {
    ok: false,
    failure: {
      kind: destroyed ? "interrupted" : "expired",
      message: destroyed
        ? "The agent stopped in the middle of the work; what is on the disk is not known. The work starts again from the beginning."
        : "The agent stopped before the work had changed anything. It starts again.",
      destroyed,
    },
  };
}

function entryOf(row: Record<string, unknown>): JournalEntry {
  const outcome = row["outcome"];
  return {
    operation: operation.parse(JSON.parse(String(row["body"]))),
    state: String(row["state"]) as JournalState,
    outcome: typeof outcome === "string" ? parseOutcome(JSON.parse(outcome)) : undefined,
  };
}

function parseOutcome(value: { ok: boolean; result?: unknown; failure?: unknown }): Outcome {
  return value.ok
    ? { ok: true, result: operationResult.parse(value.result) }
    : { ok: false, failure: operationFailure.parse(value.failure) };
}

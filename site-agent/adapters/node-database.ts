// The AgentDatabase port on node:sqlite. One connection, used from one thread; statements are kept
// prepared by their text, so texts must come from code and not be built from values.

import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { AgentDatabase, SqlValue } from "../ports.ts";

const maxKeptStatements = 256;

/** Opens or makes the file at `path` (":memory:" for none). Throws when it cannot. */
export function openNodeDatabase(path: string): AgentDatabase & { close(): void } {
  const database = new DatabaseSync(path);
  // FULL: in WAL mode the default (NORMAL) may lose the last commits when the power goes.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
  database.exec("PRAGMA busy_timeout = 5000;");
  const prepared = new Map<string, StatementSync>();
  const isOnDisk = path !== ":memory:";

  const statement = (sql: string): StatementSync => {
    const kept = prepared.get(sql);
    if (kept !== undefined) return kept;
    const made = database.prepare(sql);
    if (prepared.size >= maxKeptStatements) prepared.clear();
    prepared.set(sql, made);
    return made;
  };

  return {
    execute: (sql) => database.exec(sql),
    run: (sql, ...values) => ({ changes: Number(statement(sql).run(...values).changes) }),
    note(sql, ...values) {
      if (database.isTransaction || !isOnDisk) {
        statement(sql).run(...values);
        return;
      }
      database.exec("PRAGMA synchronous = NORMAL");
      try {
        statement(sql).run(...values);
      } finally {
        database.exec("PRAGMA synchronous = FULL");
      }
    },
    all: (sql, ...values) => statement(sql).all(...values) as Record<string, SqlValue>[],
    transaction(work) {
      database.exec("BEGIN IMMEDIATE");
      try {
        const value = work();
        database.exec("COMMIT");
        return value;
      } catch (cause) {
        // A failed COMMIT or a full disk may have ended the transaction already.
        if (database.isTransaction) database.exec("ROLLBACK");
        throw cause;
      }
    },
    close: () => database.close(),
  };
}

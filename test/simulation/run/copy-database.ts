// A second database with what is in an agent's now, as in a copy of its machine.
import { openNodeDatabase } from "../../../site-agent/adapters/node-database.ts";
import type { AgentDatabase, SqlValue } from "../../../site-agent/ports.ts";

export function copyDatabase(from: AgentDatabase): AgentDatabase {
  const copy = openNodeDatabase(":memory:");
  const made = from.all(
    "SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid",
  );
  for (const { name, type, sql } of made) {
    copy.execute(String(sql));
    if (type === "table") copyRows(from, copy, String(name));
  }
  return copy;
}

/** In their order: the journal's means something. */
function copyRows(from: AgentDatabase, to: AgentDatabase, table: string): void {
  for (const row of from.all(`SELECT * FROM ${table} ORDER BY rowid`)) {
    const columns = Object.keys(row);
    const places = columns.map(() => "?").join(", ");
    const values: SqlValue[] = Object.values(row);
    to.run(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${places})`, ...values);
  }
}

// Where a store's rows are: in a database with the real statements, or in memory. What both must agree on can be
// asked of both: the statements, and all rows of a table.
import { sql } from "drizzle-orm";
import type { Clock, Store } from "../../../control-plane/ports.ts";
import type { Database } from "../../../control-plane/store/database.ts";
import { makeStore } from "../../../control-plane/store/make-store.ts";
import { makeMemoryStore } from "../../simulation/store/make-memory-store.ts";
import type { MemoryDatabase } from "../../simulation/store/memory-database.ts";
import type { TableName } from "../../simulation/store/rows.ts";

export type PlainRow = Readonly<Record<string, unknown>>;

export interface StoreTier {
  store(clock: Clock): Store;
  /** All rows in the order of their primary keys; columns of numbers are JavaScript numbers. */
  table(name: TableName): Promise<readonly PlainRow[]>;
}

export const primaryKeys: Readonly<Record<TableName, readonly string[]>> = {
  clusters: ["name"],
  sites: ["name"],
  tokens: ["hash"],
  agents: ["id"],
  sessions: ["agent_id"],
  links: ["name"],
  feeds: ["cluster", "resource"],
  machine_feeds: ["cluster", "resource"],
  hosts: ["uid"],
  machines: ["uid"],
  objects: ["cluster", "resource", "uid"],
  secret_facts: ["host_uid", "purpose"],
  claims: ["site", "kind", "value"],
  operations: ["id"],
  outbox: ["id"],
};

export const tableNames = Object.keys(primaryKeys) as readonly TableName[];

export function sqlTier(database: Database): StoreTier {
  return {
    store: (clock) => makeStore(database, clock),
    table: async (name) =>
      plain(name, (await database.rows(sql.raw(`SELECT * FROM ${name}`))) as readonly PlainRow[]),
  };
}

export function memoryTier(database: MemoryDatabase): StoreTier {
  return {
    store: (clock) => makeMemoryStore(database, clock),
    table: async (name) => {
      const rows: Iterable<object> = database.tables[name].values();
      return plain(
        name,
        [...rows].map((row) => ({ ...row })),
      );
    },
  };
}

/** Columns that Postgres makes of others, to read less. */
const generated: ReadonlySet<string> = new Set(["brief", "provisioning_state", "error_message"]);

/** bigint and numeric columns, which drivers give as text. */
const numeric =
  /^(counter|epoch|given_epoch|given_turn|committed_seq|version|resource_version|sent_epoch|tries|turn|\w+_at)$/;

function plain(name: TableName, rows: readonly PlainRow[]): readonly PlainRow[] {
  const isNumber = (column: string) =>
    numeric.test(column) || (name === "outbox" && column === "id");
  const plainRows = rows.map((row): PlainRow =>
    Object.fromEntries(
      Object.entries(row)
        .filter(([column]) => !generated.has(column))
        .map(([column, value]) => [
          column,
          isNumber(column) && value !== null ? Number(value) : value,
        ]),
    ),
  );
  const place = (row: PlainRow) =>
    primaryKeys[name].map((column) => String(row[column]).padStart(20)).join("\n");
  return plainRows.toSorted((left, right) => (place(left) < place(right) ? -1 : 1));
}

// How many rows of the control plane's database have which keys, and name which others: kept up to date change by change,
// so that a rule about a whole table costs no look at all of it.

export type Row = Readonly<Record<string, unknown>>;

/** Columns that name a row of another table. */
export const references: readonly {
  readonly from: string;
  readonly column: string;
  readonly to: string;
  readonly key: string;
}[] = [
  { from: "claims", column: "host_uid", to: "hosts", key: "uid" },
  { from: "claims", column: "site", to: "sites", key: "name" },
  { from: "operations", column: "host_uid", to: "hosts", key: "uid" },
  { from: "secret_facts", column: "host_uid", to: "hosts", key: "uid" },
  { from: "hosts", column: "cluster", to: "clusters", key: "name" },
  { from: "hosts", column: "site", to: "sites", key: "name" },
  { from: "objects", column: "cluster", to: "clusters", key: "name" },
  { from: "agents", column: "site", to: "sites", key: "name" },
  { from: "agents", column: "cluster", to: "clusters", key: "name" },
  { from: "sessions", column: "agent_id", to: "agents", key: "id" },
  { from: "links", column: "agent_id", to: "agents", key: "id" },
];

/** Columns that no two rows have in common, but those in which `unless` is true. */
export const keyCounts: readonly {
  readonly table: string;
  readonly columns: readonly string[];
  readonly unless?: string;
}[] = [
  { table: "claims", columns: ["site", "kind", "value"] },
  { table: "operations", columns: ["host_uid"], unless: "consumed" },
  { table: "operations", columns: ["id"] },
  { table: "hosts", columns: ["uid"] },
  { table: "sites", columns: ["name"] },
  { table: "clusters", columns: ["name"] },
  { table: "agents", columns: ["id"] },
  { table: "links", columns: ["name"] },
  { table: "sessions", columns: ["agent_id"] },
  { table: "sessions", columns: ["token_hash"] },
];

export class RowCounts {
  readonly #counts = new Map<string, number>();

  /** False: its keys and the rows that it names are what they were, and nothing can be wrong that was not before. */
  change(table: string, before: Row | undefined, after: Row | undefined): boolean {
    if (before !== undefined && after !== undefined && isCountedAlike(table, before, after)) {
      return false;
    }
    if (before !== undefined) this.#add(table, before, -1);
    if (after !== undefined) this.#add(table, after, 1);
    return true;
  }

  /** What it names and is not there. */
  dangling(table: string, row: Row): string | undefined {
    for (const { from, column, to, key } of references) {
      if (from !== table || isNothing(row[column])) continue;
      if (this.#of(to, [key], [row[column]]) > 0) continue;
      return `${table}.${column} is ${String(row[column])}, which is not in ${to}`;
    }
    return undefined;
  }

  /** It may have gone: who still names it? */
  missing(table: string, row: Row): string | undefined {
    for (const { from, column, to, key } of references) {
      if (to !== table || this.#of(to, [key], [row[key]]) > 0) continue;
      if (this.#of(from, [column], [row[key]]) === 0) continue;
      return `${from}.${column} is ${String(row[key])}, which is not in ${to}`;
    }
    return undefined;
  }

  doubled(table: string, row: Row): string | undefined {
    for (const { table: of, columns, unless = "" } of keyCounts) {
      if (of !== table || row[unless] === true) continue;
      const values = columns.map((column) => row[column]);
      const count = this.#of(table, columns, values);
      if (count > 1) {
        return `${count} rows of ${table} have ${columns.join(", ")} ${values.map(String).join(" ")}`;
      }
    }
    return undefined;
  }

  #add(table: string, row: Row, count: number): void {
    const names = new Set<string>();
    for (const { table: of, columns, unless = "" } of keyCounts) {
      if (of !== table || row[unless] === true) continue;
      const values = columns.map((column) => row[column]);
      names.add(nameOf(table, columns, values));
    }
    for (const { from, column } of references) {
      if (from !== table || isNothing(row[column])) continue;
      names.add(`by ${nameOf(table, [column], [row[column]])}`);
    }
    for (const name of names) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  #of(table: string, columns: readonly string[], values: readonly unknown[]): number {
    const isKey = keyCounts.some(
      (each) => each.table === table && each.columns.join() === columns.join(),
    );
    const name = nameOf(table, columns, values);
    return this.#counts.get(isKey ? name : `by ${name}`) ?? 0;
  }
}

/** By table, all columns on which a count depends. */
const countedColumns = Map.groupBy(
  [
    ...references.map(({ from, column }) => ({ table: from, column })),
    ...keyCounts.flatMap(({ table, columns, unless }) =>
      [...columns, ...(unless === undefined ? [] : [unless])].map((column) => ({ table, column })),
    ),
  ],
  ({ table }) => table,
);

function isCountedAlike(table: string, before: Row, after: Row): boolean {
  const columns = countedColumns.get(table) ?? [];
  return columns.every(({ column }) => before[column] === after[column]);
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined;
}

function nameOf(table: string, columns: readonly string[], values: readonly unknown[]): string {
  return `${table} ${columns.join()} ${JSON.stringify(values)}`;
}

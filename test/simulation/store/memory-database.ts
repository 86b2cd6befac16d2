// The control plane's tables in memory: one statement at a time, whole or not at all. Knows keys, foreign keys and
// unique indexes of migrations/; what a statement does is said in the folders beside. Several instances share one.
import { foreignKeyViolation, uniqueViolation } from "../../../control-plane/store/database.ts";
import { RowIndex } from "./row-index.ts";
import { emptyTables, keyOf, type Rows, type TableName, type Tables } from "./rows.ts";
import { SqlError } from "./sql-error.ts";

/** One row that a statement changed: as it was, and as it is. */
export type RowChange = {
  [T in TableName]: {
    readonly table: T;
    readonly key: string;
    readonly before: Rows[T] | undefined;
    readonly after: Rows[T] | undefined;
  };
}[TableName];

export interface Commit {
  readonly statement: string;
  readonly changes: readonly RowChange[];
}

export interface Snapshot {
  readonly tables: Tables;
  readonly nextEpoch: number;
  readonly nextOutboxId: number;
}

export class MemoryDatabase {
  tables: Tables = emptyTables();
  /** Told after each statement that changed something. */
  onCommit: ((commit: Commit) => void) | undefined;
  readonly hostsByName = new RowIndex<Rows["hosts"]>((row) =>
    keyOf(row.cluster, row.namespace, row.name),
  );
  readonly hostsWithoutMemory = new RowIndex<Rows["hosts"]>((row) =>
    row.memory === null ? "" : undefined,
  );
  readonly hostsByMachine = new RowIndex<Rows["hosts"]>((row) => row.machine_uid ?? undefined);
  readonly machinesByName = new RowIndex<Rows["machines"]>((row) =>
    keyOf(row.cluster, row.resource, row.namespace, row.name),
  );
  readonly objectsByName = new RowIndex<Rows["objects"]>((row) =>
    keyOf(row.cluster, row.resource, row.name),
  );
  readonly operationsByHost = new RowIndex<Rows["operations"]>((row) => row.host_uid);
  readonly openOperations = new RowIndex<Rows["operations"]>((row) =>
    row.consumed ? undefined : row.host_uid,
  );
  readonly claimsByHost = new RowIndex<Rows["claims"]>((row) => row.host_uid);
  readonly factsByHost = new RowIndex<Rows["secret_facts"]>((row) => row.host_uid);
  readonly outboxByLink = new RowIndex<Rows["outbox"]>((row) => row.link);
  readonly outboxByKey = new RowIndex<Rows["outbox"]>((row) =>
    row.key === null ? undefined : keyOf(row.link, row.key),
  );
  readonly outboxByHost = new RowIndex<Rows["outbox"]>((row) => row.host_uid);
  readonly sessionsByToken = new RowIndex<Rows["sessions"]>((row) => row.token_hash);
  readonly clustersByHash = new RowIndex<Rows["clusters"]>((row) => row.admission_hash);
  #siteNames: readonly string[] | undefined;
  #nextEpoch = 1;
  #nextOutboxId = 1;
  #changes: RowChange[] = [];

  /** Runs one statement: when it throws, nothing of it stays but numbers that sequences gave. */
  run<T>(statement: string, body: () => T): T {
    this.#changes = [];
    try {
      const value = body();
      if (this.onCommit !== undefined && this.#changes.length > 0) {
        this.onCommit({ statement, changes: netChanges(this.#changes) });
      }
      return value;
    } catch (thrown) {
      for (const { table, key, before } of this.#changes.toReversed()) {
        this.#set(table, key, before);
      }
      throw thrown;
    }
  }

  /** Inserts or replaces; undefined deletes. Constraints are the caller's. */
  write<T extends TableName>(table: T, key: string, after: Rows[T] | undefined): void {
    const before = this.#set(table, key, after);
    // The compiler cannot tie a generic table to its rows.
    this.#changes.push({ table, key, before, after } as RowChange);
  }

  /** Throws 23505 when there is a row. */
  insert<T extends TableName>(table: T, key: string, row: Rows[T]): void {
    if (this.tables[table].has(key)) throw unique(table);
    this.write(table, key, row);
  }

  /** With claims, operations and facts. */
  deleteHost(uid: string): void {
    for (const key of this.claimsByHost.keys(uid)) this.write("claims", key, undefined);
    for (const key of this.operationsByHost.keys(uid)) {
      this.write("operations", key, undefined);
    }
    for (const key of this.factsByHost.keys(uid)) this.write("secret_facts", key, undefined);
    this.write("hosts", uid, undefined);
  }

  /** Throws 23503 when a row that is named is not there. */
  mustReference(table: TableName, key: string | null): void {
    if (key !== null && !this.tables[table].has(key)) {
      throw new SqlError(foreignKeyViolation, `there is no row ${key} in ${table}`);
    }
  }

  get siteNames(): readonly string[] {
    this.#siteNames ??= [...this.tables.sites.keys()].toSorted();
    return this.#siteNames;
  }

  /** A number once given is not given again, whatever comes of its statement. */
  nextEpoch(above: number): number {
    const epoch =
      this.#nextEpoch + Math.min(mostEpochsPassedOver, Math.max(0, above + 1 - this.#nextEpoch));
    this.#nextEpoch = epoch + 1;
    return epoch;
  }

  nextOutboxId(): number {
    return this.#nextOutboxId++;
  }

  /** A backup of this moment. */
  snapshot(): Snapshot {
    return {
      tables: copyOf(this.tables),
      nextEpoch: this.#nextEpoch,
      nextOutboxId: this.#nextOutboxId,
    };
  }

  /** The database as it was then, sequences too. */
  restore(snapshot: Snapshot): void {
    this.tables = emptyTables();
    for (const index of this.#allIndexes()) index.clear();
    this.#siteNames = undefined;
    for (const table of tableNames) {
      for (const [key, row] of snapshot.tables[table]) this.#set(table, key, row);
    }
    this.#nextEpoch = snapshot.nextEpoch;
    this.#nextOutboxId = snapshot.nextOutboxId;
  }

  #set<T extends TableName>(table: T, key: string, after: Rows[T] | undefined) {
    const rows: Map<string, Rows[T]> = this.tables[table];
    const before = rows.get(key);
    if (after === undefined) rows.delete(key);
    else rows.set(key, after);
    const indexes: Indexes = this.#indexes;
    for (const index of indexes[table] ?? []) index.replace(key, before, after);
    if (table === "sites") this.#siteNames = undefined;
    return before;
  }

  readonly #indexes: Indexes = {
    clusters: [this.clustersByHash],
    sessions: [this.sessionsByToken],
    hosts: [this.hostsByName, this.hostsByMachine, this.hostsWithoutMemory],
    machines: [this.machinesByName],
    objects: [this.objectsByName],
    secret_facts: [this.factsByHost],
    claims: [this.claimsByHost],
    operations: [this.operationsByHost, this.openOperations],
    outbox: [this.outboxByLink, this.outboxByKey, this.outboxByHost],
  };

  #allIndexes(): readonly { clear(): void }[] {
    return tableNames.flatMap((table): readonly { clear(): void }[] => this.#indexes[table] ?? []);
  }
}

const mostEpochsPassedOver = 1_000_000;

type Indexes = { readonly [T in TableName]?: readonly RowIndex<Rows[T]>[] };

const tableNames = Object.keys(emptyTables()) as TableName[];

export function unique(constraint: string): SqlError {
  return new SqlError(uniqueViolation, `duplicate key in ${constraint}`);
}

function copyOf(tables: Tables): Tables {
  const copy: Record<string, Map<string, unknown>> = {};
  for (const table of tableNames)
    copy[table] = new Map(tables[table] as ReadonlyMap<string, unknown>);
  return copy as unknown as Tables;
}

/** A row that a statement touched twice changed once. */
function netChanges(changes: readonly RowChange[]): readonly RowChange[] {
  const net = new Map<string, RowChange>();
  for (const change of changes) {
    const name = keyOf(change.table, change.key);
    const earlier = net.get(name);
    net.set(
      name,
      earlier === undefined ? change : ({ ...change, before: earlier.before } as RowChange),
    );
  }
  return [...net.values()].filter(({ before, after }) => before !== after);
}

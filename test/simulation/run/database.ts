// The control plane's database of a simulation, in two tiers: "memory" has the statements' semantics on tables in
// memory and shows every row that changes; "pglite" runs the real statements.
import type { Clock, Notifications, Store } from "../../../control-plane/ports.ts";
import { overDatabase } from "../../../control-plane/store/make-store.ts";
import { startTestPglite } from "../../support/control-plane/test-database.ts";
import type { TestDatabase } from "../../support/control-plane/test-database.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { makeMemoryStore } from "../store/make-memory-store.ts";
import { MemoryDatabase } from "../store/memory-database.ts";
import type { TableName } from "../store/rows.ts";
import type { Scenario } from "../workload/scenario.ts";
import type { Happened } from "../world/events.ts";
import { makeMemoryNotifications } from "./memory-notifications.ts";

/** Runs one statement, or fails as the database may fail just then. */
export type Guard = <T>(statement: () => Promise<T>, name?: string) => Promise<T>;

export interface SimulatedDatabase {
  /** What an instance takes of it; each of its statements goes through the guard. */
  open(clock: Clock, guard: Guard): OpenedDatabase;
  /** Undefined: this tier cannot show them at once. */
  rows(table: string): readonly Readonly<Record<string, unknown>>[] | undefined;
  /** Makes it what it was so long ago, as a restored backup is. Or what its oldest backup is. False: this tier has none. */
  restore(agoMs: number): boolean;
}

export interface OpenedDatabase {
  readonly store: Store;
  readonly notifications: Notifications;
  readonly ping: () => Promise<boolean>;
}

export interface DatabaseOptions {
  readonly kernel: Kernel;
  readonly tell: (happened: Happened) => void;
  /** Keep backups to restore from. */
  readonly keepsBackups: boolean;
}

/** An empty one. */
export async function openDatabase(
  tier: Scenario["tier"],
  options: DatabaseOptions,
): Promise<SimulatedDatabase> {
  return tier === "memory" ? openMemory(options) : await openPglite();
}

let opened: Promise<TestDatabase> | undefined;

/** One a process: it is large. */
async function openPglite(): Promise<SimulatedDatabase> {
  opened ??= startTestPglite();
  const test = await opened;
  await test.clear();
  const { database } = test;
  return {
    open: (clock, guard) =>
      overDatabase(
        {
          ...database,
          rows: (statement) => guard(() => database.rows(statement)),
          notifications: {
            listen: (...given) => database.notifications.listen(...given),
            notify: (...given) => guard(() => database.notifications.notify(...given)),
          },
        },
        clock,
      ),
    rows: () => undefined,
    restore: () => false,
  };
}

const backupEveryMs = 5_000;

function openMemory({ kernel, tell, keepsBackups }: DatabaseOptions): SimulatedDatabase {
  const database = new MemoryDatabase();
  const notifications = makeMemoryNotifications(kernel);
  const backups: {
    readonly atMs: number;
    readonly snapshot: ReturnType<typeof database.snapshot>;
  }[] = [];
  const backUp = (): void => {
    backups.push({ atMs: kernel.nowMs(), snapshot: database.snapshot() });
    kernel.timer(backupEveryMs, backUp);
  };
  if (keepsBackups) kernel.timer(backupEveryMs, backUp);
  database.onCommit = ({ statement, changes }) => {
    for (const [place, change] of changes.entries()) {
      const { table, key } = change;
      const before = change.before as Readonly<Record<string, unknown>> | undefined;
      const after = change.after as Readonly<Record<string, unknown>> | undefined;
      tell({ kind: "commit", statement, place, table, key, before, after });
    }
  };
  return {
    open: (clock, guard) => ({
      store: guarded(makeMemoryStore(database, clock), guard),
      notifications: {
        listen: (...given) => notifications.listen(...given),
        notify: (...given) => guard(() => notifications.notify(...given)),
      },
      ping: () => guard(async () => true).catch(() => false),
    }),
    rows: (table) => {
      const rows: Iterable<object> = database.tables[table as TableName].values();
      return [...rows] as Readonly<Record<string, unknown>>[];
    },
    restore(agoMs) {
      const isOld = ({ atMs }: { readonly atMs: number }): boolean =>
        atMs <= kernel.nowMs() - agoMs;
      const backup = backups.findLast(isOld) ?? backups[0];
      if (backup === undefined) return false;
      database.restore(backup.snapshot);
      return true;
    },
  };
}

/** Each method of the store is one statement. */
function guarded(store: Store, guard: Guard): Store {
  const methods = Object.entries(store) as [string, (...given: never[]) => Promise<unknown>][];
  return Object.fromEntries(
    methods.map(([name, method]) => [
      name,
      (...given: never[]) => guard(() => method(...given), name),
    ]),
  ) as unknown as Store;
}

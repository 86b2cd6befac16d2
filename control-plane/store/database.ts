// The database as the statements see it: rows of one statement, whatever the driver's result shape. The drivers
// are opened here (postgres.js) and in tests (PGlite). There is no transaction here on purpose: postgres.js can
// half-apply one when a backend dies in the middle, so every state change is one statement.
import type { SQL } from "drizzle-orm";
import { PgDialect, type PgDatabase, type PgQueryResultHKT } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { z } from "zod";
import type { Notifications } from "../ports.ts";

export interface Database {
  readonly drizzle: PgDatabase<PgQueryResultHKT>;
  /** The rows of one statement; int8 and numeric may come as strings, so read them through a schema. */
  rows(statement: SQL): Promise<readonly unknown[]>;
  readonly notifications: Notifications;
  close(): Promise<void>;
}

export interface PostgresOptions {
  readonly url: string;
  /** For LISTEN: a pooler swallows it, so this one must reach Postgres itself. */
  readonly directUrl: string;
  readonly maxConnections: number;
  /** A transaction pooler is in between: no prepared statements, no session settings. */
  readonly pooler: boolean;
}

const dialect = new PgDialect();
type Parameter = postgres.ParameterOrJSON<never>;

/**
 * Of each connection. A plan is made once, whatever the values, and often while the tables are small: one by index stays
 * right when they grow, and is not chosen where a page at random counts as four, as of a disk that turns.
 */
const session = {
  statement_timeout: 10_000,
  lock_timeout: 5_000,
  plan_cache_mode: "force_generic_plan",
  random_page_cost: 1.1,
};

/**
 * Statements are prepared, once by each connection: to plan one anew takes Postgres longer than to run it. drizzle's
 * own `execute` does not.
 */
export function openPostgres(options: PostgresOptions): Database {
  // fetch_types: its query is made behind the caller's back, and when the backend dies in it nobody catches the
  // rejection: the process would end. Arrays, which need it, are passed as JSON.
  // backoff: the driver's own waits up to 20 s, longer than a failover takes.
  // max_pipeline: a statement waits for a free connection, not behind a slow one on a connection that it shares.
  const shared = {
    onnotice: () => undefined,
    connect_timeout: 10,
    fetch_types: false,
    backoff: (attempt: number) => Math.min(0.05 * 2 ** attempt, 1),
    max_pipeline: 0,
  };
  const client = postgres(options.url, {
    ...shared,
    max: options.maxConnections,
    prepare: !options.pooler,
    connection: {
      application_name: "farrier",
      ...(options.pooler ? {} : session),
    },
  });
  const direct = postgres(options.directUrl, { ...shared, max: 1 });
  const prepare = !options.pooler;
  return {
    drizzle: drizzle(client),
    rows: async (statement) => {
      const { sql, params } = dialect.sqlToQuery(statement);
      return await repeatUndone(async () =>
        withoutHoles(await client.unsafe(sql, params as Parameter[], { prepare })),
      );
    },
    notifications: {
      async listen(channel, onMessage, onReady) {
        const listening = await direct.listen(channel, onMessage, onReady);
        return async () => await listening.unlisten();
      },
      async notify(channel, payload) {
        await client.notify(channel, payload);
      },
    },
    async close() {
      await Promise.all([client.end({ timeout: 2 }), direct.end({ timeout: 2 })]);
    },
  };
}

/**
 * postgres.js 3.4.9 counts rows from where it was when a backend died between a row and its completion: the next
 * result of that connection begins with empty places.
 */
export function withoutHoles(rows: readonly unknown[]): readonly unknown[] {
  return [...rows].filter((row) => row !== undefined);
}

/** Rows of one statement, checked: what does not fit the schema is a bug of the statement. */
export async function readRows<T>(
  database: Database,
  schema: z.ZodType<T>,
  statement: SQL,
): Promise<readonly T[]> {
  return z.array(schema).parse(await database.rows(statement));
}

/** Like `readRows`, for a statement that always answers with one row. */
export async function readRow<T>(
  database: Database,
  schema: z.ZodType<T>,
  statement: SQL,
): Promise<T> {
  const [row] = await readRows(database, schema, statement);
  if (row === undefined) throw new Error("a statement that must answer with a row gave none");
  return row;
}

const rolledBack = /^(40001|40P01)$/; // serialization failure, deadlock
/** Classes of a lost connection, a shutdown and the like: the statement may have been done. */
const undecided = /^(08|57|58|XX)/;
/** No other code has a digit: EPIPE has none. */
const sqlStatePattern = /^(?=.*\d)[0-9A-Z]{5}$/;
const maxRepeats = 4;

/**
 * A statement that Postgres answers with an error did nothing: it can be run again as it is. It is when it was rolled
 * back to end a deadlock; and once after any other error, because postgres.js 3.4.9 keeps the error of a connection
 * that is lost before ReadyForQuery, and gives it to the next statement, which it never sends.
 */
export async function repeatUndone<T>(run: () => Promise<T>): Promise<T> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await run();
    } catch (thrown) {
      const code = sqlState(thrown) ?? "";
      const isUndone = sqlStatePattern.test(code) && !undecided.test(code);
      if (!isUndone || repeats >= (rolledBack.test(code) ? maxRepeats : 1)) throw thrown;
    }
  }
}

const withCode = z.looseObject({ code: z.string() });
const withCause = z.looseObject({ cause: withCode });

/** The SQLSTATE of a failed statement (PostgreSQL, appendix A), through drizzle's wrapping. */
export function sqlState(thrown: unknown): string | undefined {
  return withCause.safeParse(thrown).data?.cause.code ?? withCode.safeParse(thrown).data?.code;
}

export const uniqueViolation = "23505";
export const foreignKeyViolation = "23503";

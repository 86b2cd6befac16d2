// Databases for tests of the store: a real Postgres, with as many connections as racing needs, and PGlite, which
// has one session and proves nothing about concurrency, but needs no process (traces, simulation).
import { PGlite } from "@electric-sql/pglite";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/pglite";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../../../control-plane/entry/embedded-postgres.ts";
import { openPostgres, type Database } from "../../../control-plane/store/database.ts";
import { migrate } from "../../../control-plane/store/migrate.ts";

export interface TestDatabase {
  readonly database: Database;
  /** Of Postgres; undefined for PGlite. */
  readonly url: string | undefined;
  /** Another pool on the same Postgres: what a second instance would have. */
  another(): Database;
  /** Removes all rows, and numbers begin anew. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestPostgres(): Promise<TestDatabase> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "farrier-test-postgres-"));
  const server = await startEmbeddedPostgres({ dataDirectory });
  const opened: Database[] = [];
  const another = () => {
    const { url } = server;
    const database = openPostgres({ url, directUrl: url, maxConnections: 8, pooler: false });
    opened.push(database);
    return database;
  };
  const database = another();
  await migrate(database);
  return {
    database,
    url: server.url,
    another,
    clear: () => clearTables(database),
    async stop() {
      await Promise.all(opened.map((each) => each.close()));
      await server.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** The Database port over PGlite: it wraps rows in an object, and listens in the process only. */
async function openPglite(): Promise<Database> {
  const client = await PGlite.create();
  const database = drizzle(client);
  return {
    drizzle: database,
    rows: async (statement) => (await database.execute(statement)).rows,
    notifications: {
      async listen(channel, onMessage, onReady) {
        const unlisten = await client.listen(channel, onMessage);
        onReady();
        return unlisten;
      },
      async notify(channel, payload) {
        await client.query("SELECT pg_notify($1, $2)", [channel, payload]);
      },
    },
    close: () => client.close(),
  };
}

export async function startTestPglite(): Promise<TestDatabase> {
  const database = await openPglite();
  await migrate(database);
  return {
    database,
    url: undefined,
    another: () => database,
    clear: () => clearTables(database),
    stop: () => database.close(),
  };
}

/** Removes all rows, and numbers begin anew. */
export async function clearTables(database: Database): Promise<void> {
  await database.rows(sql`TRUNCATE clusters, sites, tokens, agents, sessions, links, feeds, machine_feeds, hosts, machines,
    objects, secret_facts, claims, operations, outbox RESTART IDENTITY`);
  await database.rows(sql`ALTER SEQUENCE epochs RESTART`);
}

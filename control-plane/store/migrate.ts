// Brings the tables up to date. Each migration is one statement (a DO block) under an advisory lock: whoever
// comes second waits, then finds it done; a death in the middle leaves nothing behind; poolers do not mind.
import { sql } from "drizzle-orm";
import { z } from "zod";
import { readRows, type Database } from "./database.ts";
import { migrations, type Migration } from "./migrations.table.ts";

const lockNumber = "4702394921427289928"; // any number of our own

/** Applies what is missing, in order. */
export async function migrate(database: Database): Promise<void> {
  for (const migration of migrations) await database.rows(sql.raw(block(migration)));
}

/**
 * Names of the migrations that are missing. A newer database than this program is fine: migrations only add, and
 * instances of two versions run side by side during an upgrade.
 */
export async function missingMigrations(database: Database): Promise<readonly string[]> {
  const [table] = await readRows(
    database,
    z.object({ there: z.boolean() }),
    sql`SELECT to_regclass('applied_migrations') IS NOT NULL AS there`,
  );
  if (table?.there !== true) return migrations.map(({ name }) => name);
  const applied = await readRows(
    database,
    z.object({ name: z.string() }),
    sql`SELECT name FROM applied_migrations`,
  );
  return migrations
    .map(({ name }) => name)
    .filter((name) => !applied.some((row) => row.name === name));
}

function block({ name, text }: Migration): string {
  if (text.includes("$migration$") || !/^[a-z0-9-]+$/.test(name)) {
    throw new Error(`migration ${name} cannot be quoted`);
  }
  return `DO $block$ BEGIN
    PERFORM pg_advisory_xact_lock(${lockNumber});
    CREATE TABLE IF NOT EXISTS applied_migrations (
      name text PRIMARY KEY,
      applied_at timestamptz NOT NULL DEFAULT now()
    );
    IF NOT EXISTS (SELECT FROM applied_migrations WHERE name = '${name}') THEN
      EXECUTE $migration$${text}$migration$;
      INSERT INTO applied_migrations (name) VALUES ('${name}');
    END IF;
  END $block$`;
}

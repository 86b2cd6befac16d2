// Tables up to date, or a clear word why not.
import type { Database } from "../store/database.ts";
import { migrate, missingMigrations } from "../store/migrate.ts";

/** Throws when tables are missing and may not be made. */
export async function prepareDatabase(database: Database, mayMigrate: boolean): Promise<void> {
  const missing = await missingMigrations(database);
  if (missing.length === 0) return;
  if (!mayMigrate) {
    throw new Error(
      `The database lacks migrations (${missing.join(", ")}). Run control-plane/entry/migrate.ts once, ` +
        "or set FARRIER_MIGRATE=1.",
    );
  }
  await migrate(database);
}

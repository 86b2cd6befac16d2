// Races with a statement that is under way.
import { sql, type SQL } from "drizzle-orm";
import type { TestDatabase } from "../../support/control-plane/test-database.ts";

interface Change {
  readonly table?: "hosts" | "machines";
  readonly uid?: string;
  readonly change?: SQL;
}

/** Runs while another statement has changed a row, and does not end for a while. */
export async function whileChanging(
  held: TestDatabase,
  { table = "hosts", uid = "a", change = sql`version = version + 1` }: Change,
  run: () => Promise<void>,
): Promise<void> {
  const database = held.another();
  const changing = database.rows(sql`
    WITH slow AS (UPDATE ${sql.raw(table)} SET ${change} WHERE uid = ${uid} RETURNING uid)
    SELECT pg_sleep(0.5) FROM slow`);
  const asleep = sql`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
  while ((await database.rows(asleep)).length === 0);
  await run();
  await changing;
}

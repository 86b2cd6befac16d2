// The control plane's database of a simulation: the real statements on PGlite. One a process; emptied between runs.
import { startTestPglite } from "../../support/control-plane/test-database.ts";
import type { TestDatabase } from "../../support/control-plane/test-database.ts";

let opened: Promise<TestDatabase> | undefined;

export async function emptyDatabase(): Promise<TestDatabase["database"]> {
  opened ??= startTestPglite();
  const test = await opened;
  await test.clear();
  return test.database;
}

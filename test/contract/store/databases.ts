// The databases that the store's contract is held against.
import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import {
  startTestPglite,
  startTestPostgres,
  type TestDatabase,
} from "../../support/control-plane/test-database.ts";
import { StoreWorld } from "../../support/control-plane/store-world.ts";

interface Held {
  readonly world: StoreWorld;
  readonly database: TestDatabase;
}

/** Runs the tests on Postgres and on PGlite, each on empty tables. */
export function onEachDatabase(name: string, tests: (held: () => Held) => void): void {
  onDatabase(`${name} on Postgres`, startTestPostgres, tests);
  onDatabase(`${name} on PGlite`, startTestPglite, tests);
}

/** What needs several connections at once is judged by Postgres only. */
export function onPostgres(name: string, tests: (held: () => Held) => void): void {
  onDatabase(`${name} on Postgres`, startTestPostgres, tests);
}

const started = new Map<() => Promise<TestDatabase>, Promise<TestDatabase>>();

/** One of each a test file: PGlite takes seconds to start. */
function onDatabase(
  name: string,
  start: () => Promise<TestDatabase>,
  tests: (held: () => Held) => void,
): void {
  describe(name, () => {
    let database: TestDatabase;
    let world: StoreWorld;
    beforeAll(async () => {
      const starting = started.get(start) ?? start();
      started.set(start, starting);
      database = await starting;
    });
    beforeEach(async () => {
      await database.clear();
      world = new StoreWorld(database.database);
    });
    tests(() => ({ world, database }));
  });
}

afterAll(async () => {
  for (const starting of started.values()) await (await starting).stop();
});

// The databases that the store's contract is held against: Postgres and PGlite with the real statements, and the
// simulator's store in memory, which must not drift from them.
import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { memoryTier, sqlTier } from "../../support/control-plane/store-tier.ts";
import {
  startTestPglite,
  startTestPostgres,
  type TestDatabase,
} from "../../support/control-plane/test-database.ts";
import { StoreWorld } from "../../support/control-plane/store-world.ts";
import { MemoryDatabase } from "../../simulation/store/memory-database.ts";

interface Held {
  readonly world: StoreWorld;
}
interface HeldDatabase extends Held {
  readonly database: TestDatabase;
}

/** Runs the tests on Postgres, on PGlite and in memory, each on empty tables. */
export function onEachDatabase(name: string, tests: (held: () => Held) => void): void {
  onDatabase(`${name} on Postgres`, startTestPostgres, tests);
  onDatabase(`${name} on PGlite`, startTestPglite, tests);
  describe(`${name} in memory`, () => {
    let world: StoreWorld;
    beforeEach(() => {
      world = new StoreWorld(memoryTier(new MemoryDatabase()));
    });
    tests(() => ({ world }));
  });
}

/** What needs several connections at once is judged by Postgres only. */
export function onPostgres(name: string, tests: (held: () => HeldDatabase) => void): void {
  onDatabase(`${name} on Postgres`, startTestPostgres, tests);
}

const started = new Map<() => Promise<TestDatabase>, Promise<TestDatabase>>();

/** One of each a test file: PGlite takes seconds to start. */
function onDatabase(
  name: string,
  start: () => Promise<TestDatabase>,
  tests: (held: () => HeldDatabase) => void,
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
      world = new StoreWorld(sqlTier(database.database));
    });
    tests(() => ({ world, database }));
  });
}

afterAll(async () => {
  for (const starting of started.values()) await (await starting).stop();
});

import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBus, type RunningBus } from "../../../control-plane/links/bus.ts";
import { clock, webCrypto } from "../../../control-plane/entry/runtime.ts";
import { startTestPostgres, type TestDatabase } from "../../support/control-plane/test-database.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe("the bus on Postgres", () => {
  let postgres: TestDatabase;
  const buses: RunningBus[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.stop()));
    await postgres.stop();
  });

  async function open() {
    const { notifications } = postgres.another();
    const bus = await startBus({ notifications, clock, crypto: webCrypto, log: silent });
    buses.push(bus);
    const heard: (string | undefined)[] = [];
    let wake: () => void = () => undefined;
    bus.onNotify((topic) => {
      heard.push(topic);
      wake();
    });
    const until = async (topic: string | undefined) => {
      while (!heard.includes(topic)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      heard.length = 0;
    };
    return { bus, until };
  }

  test("carries topics between instances, and looks at everything after its connection was cut", async () => {
    const one = await open();
    const two = await open();
    expect([one.bus.mode(), two.bus.mode()]).toEqual(["listen", "listen"]);
    one.bus.notify(["site:a"]);
    await two.until("site:a");
    const cut = await postgres.database.rows(
      sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'listen%'`,
    );
    expect(cut).toHaveLength(2);
    await Promise.all([one.until(undefined), two.until(undefined)]);
    two.bus.notify(["site:b"]);
    await one.until("site:b");
  });
});

// Real Postgres, lost at every kind of statement: what a statement changes is there wholly or not at all, and the
// caller, who knows of a failure only, may repeat it. The store in memory says what both outcomes look like.
import { sql } from "drizzle-orm";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Random } from "../../../simulation/kernel/random.ts";
import type { MemoryDatabase } from "../../../simulation/store/memory-database.ts";
import { makeManualClock } from "../../../support/control-plane/manual-clock.ts";
import { sqlTier } from "../../../support/control-plane/store-tier.ts";
import { clearTables } from "../../../support/control-plane/test-database.ts";
import {
  answerOf,
  comparable,
  otherIds,
  rowsOf,
  type Answered,
} from "../random-statements/compare.ts";
import { drawStatement, pauseMs } from "../random-statements/draw-statement.ts";
import { beginSequence } from "../random-statements/prepare.ts";
import { startFaultyPostgres, type FaultyPostgres } from "./faulty-postgres.ts";

/** More of them find what is rare: FARRIER_SEQUENCES=50. */
const sequences = Number(process.env["FARRIER_SEQUENCES"] ?? 1);
const leastStatements = 80;
/** It goes on until every fault has met a statement. */
const mostStatements = 400;

type Outcome = "nothing" | "all";
type Fault = (typeof faults)[number];
const faults = [
  "before",
  "within",
  "after",
  "terminate",
  "read-only",
  "crash",
  "crash-after",
] as const;
/** What Postgres may have done when the caller heard of a failure. */
const outcomes: Readonly<Record<Fault, readonly Outcome[]>> = {
  before: ["nothing"],
  within: ["nothing", "all"],
  after: ["all"],
  terminate: ["nothing"],
  "read-only": ["nothing"],
  crash: ["nothing"],
  "crash-after": ["all"],
};
/** Tables that most statements change. */
const busy = ["hosts", "machines", "outbox", "sessions", "links", "feeds"] as const;
const onlyReads = ["reads of hosts", "reads of links", "loadMachine"];

const seen = new Set<string>();

/** What a sequence must come to. A lost answer of which nothing was sent is a matter of chance. */
function missingOf(fault: Fault): readonly string[] {
  const wanted = outcomes[fault].map((outcome) => `${fault} ${outcome}`);
  return wanted.filter((each) => each !== "within nothing" && !seen.has(each));
}

const missing = (): readonly string[] => faults.flatMap(missingOf);

/** A crash takes seconds: once each is enough. */
function drawFault(random: Random): Fault {
  const drawn = faults.filter((fault) => !fault.startsWith("crash") || missingOf(fault).length > 0);
  return random.pick(drawn.map((fault) => ({ fault }))).fault;
}

let faulty: FaultyPostgres;
beforeAll(async () => {
  faulty = await startFaultyPostgres();
});
afterAll(async () => await faulty?.stop());

/** Runs `call` under the fault, which may meet nothing: then the call has its answer. */
async function under(
  fault: Fault,
  { table, count }: { readonly table: string; readonly count: number },
  call: () => Promise<unknown>,
): Promise<void> {
  const { proxy } = faulty;
  if (fault === "terminate") {
    await faulty.whileLocked(table, call, (pid) => faulty.terminate(pid));
  } else if (fault === "crash") {
    await faulty.whileLocked(table, call, () => faulty.crash());
  } else if (fault === "read-only") {
    await faulty.setReadOnly(true);
    await call();
    await faulty.setReadOnly(false);
  } else {
    proxy.arm(fault === "crash-after" ? "after" : fault, count);
    await call();
    if (proxy.disarm() && fault === "crash-after") await faulty.crash();
  }
}

test("the error of a lost connection is not taken for the next statement's", async () => {
  const store = sqlTier(faulty.store).store(makeManualClock());
  expect(await store.addCluster("first", "same")).toBe(true);
  faulty.proxy.arm("within", 1);
  const lost = await answerOf(() => store.addCluster("second", "same"));
  expect([faulty.proxy.disarm(), isLoss(lost)]).toEqual([true, true]);
  // The pool opens its other connection before it opens the lost one again.
  const sites = ["one", "two", "three"];
  expect(await Promise.all(sites.map((site) => store.addSite(site)))).toEqual([true, true, true]);
});

test.each(Array.from({ length: sequences }, (_, index) => index + 1))(
  "a statement is done wholly or not at all, and can be repeated, in random sequence %i",
  async (seed) => {
    await clearTables(faulty.judge);
    const sequence = await beginSequence(`faults ${seed}`, sqlTier(faulty.judge));
    const { memory, tiers, clock, random, draw } = sequence;
    const stores = [tiers[0].store(clock), sqlTier(faulty.store).store(clock)] as const;
    const isEnough = (step: number): boolean =>
      step > (missing().length > 0 ? mostStatements : leastStatements);
    for (let step = 1; !isEnough(step); step += 1) {
      clock.advance(pauseMs(random));
      let statement = drawStatement(draw);
      while (onlyReads.includes(statement.name)) statement = drawStatement(draw);
      const names =
        statement.name === "ackOutbox" ? await otherIds(tiers) : new Map<string, string>();
      const onMemory = () => answerOf(() => statement.run(stores[0], (id) => id));
      const onReal = () => answerOf(() => statement.run(stores[1], (id) => names.get(id) ?? id));
      const told = `step ${step}: ${statement.name} ${JSON.stringify(statement.given)}`;
      const fault = drawFault(random);
      const place = { table: random.pick(busy), count: random.chance(0.8) ? 1 : 2 };
      let real: Answered = {};
      await under(fault, place, async () => (real = await onReal()));
      // A connection that nobody used may tell the next statement that it is lost.
      for (let tries = 1; isLoss(real) && tries <= 5; tries += 1) {
        const found = await rowsOf(tiers[1]);
        const nothing = isDeepStrictEqual(found, await rowsOf(tiers[0]));
        const outcome = nothing ? "nothing" : "all";
        if (!nothing) {
          await onMemory();
          expect(found, told).toEqual(await rowsOf(tiers[0]));
          expect(tries === 1 ? outcomes[fault] : [], told).toContain(outcome);
        }
        seen.add(`${fault} ${outcome}`);
        await alignEpochs(memory);
        real = await onReal();
      }
      const fake = await onMemory();
      expect(comparable(fake), told).toEqual(comparable(real));
    }
    expect(await rowsOf(tiers[0])).toEqual(await rowsOf(tiers[1]));
  },
);

/** SQLSTATE of a connection, a shutdown, or a server that only reads; and what the driver says of a lost one. */
function isLoss({ threw }: Answered): boolean {
  return threw !== undefined && /^(08|57|25006|CONNECTION|ECONN|EPIPE)/.test(threw);
}

/** A number that a lost statement took is not given again, but by the store in memory, which never began it. */
async function alignEpochs(memory: MemoryDatabase): Promise<void> {
  const { nextEpoch } = memory.snapshot();
  await faulty.judge.rows(sql`SELECT setval('epochs', ${nextEpoch}::bigint, false)`);
}

test("each way to lose Postgres met statements that it must leave undone, or done", () => {
  expect(missing()).toEqual([]);
});

// The simulator's store against the real statements: the same random sequence of statements on both must give equal
// answers and leave equal rows. What SQL leaves open (order without ORDER BY, ids of the outbox) is not compared.
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "../../../control-plane/ports.ts";
import { sqlState } from "../../../control-plane/store/database.ts";
import { makeRandom, type Random } from "../../simulation/kernel/random.ts";
import { MemoryDatabase } from "../../simulation/store/memory-database.ts";
import { makeManualClock, type ManualClock } from "../../support/control-plane/manual-clock.ts";
import {
  memoryTier,
  sqlTier,
  tableNames,
  type PlainRow,
  type StoreTier,
} from "../../support/control-plane/store-tier.ts";
import { enrolAgent } from "../../support/control-plane/store-world.ts";
import { startTestPglite, type TestDatabase } from "../../support/control-plane/test-database.ts";
import type { Draw, Statement } from "./random-statements/draw.ts";
import { applyFeed, applySecrets } from "./random-statements/feeds.ts";
import * as hosts from "./random-statements/hosts.ts";
import * as links from "./random-statements/links.ts";
import * as machines from "./random-statements/machines.ts";

/** More of them find what is rare: FARRIER_SEQUENCES=500. */
const sequences = Number(process.env["FARRIER_SEQUENCES"] ?? 10);
const statementsOfSequence = 600;
const compareRowsEvery = 20;

const seen = new Set<string>();
let pglite: TestDatabase;
beforeAll(async () => {
  pglite = await startTestPglite();
});
afterAll(() => pglite.stop());

const statements: readonly (readonly [weight: number, draw: (draw: Draw) => Statement])[] = [
  [1, links.addCluster],
  [1, links.addSite],
  [2, links.addToken],
  [2, links.enrol],
  [2, links.setAgentState],
  [6, links.openSession],
  [4, links.renewLease],
  [12, links.takeOutbox],
  [10, links.ackOutbox],
  [3, links.readLinks],
  [1, links.prune],
  [32, applyFeed],
  [5, applySecrets],
  [24, hosts.commitHost],
  [16, hosts.acceptObservations],
  [2, hosts.restHost],
  [3, hosts.takeDueHosts],
  [6, hosts.readHosts],
  [12, machines.claimHost],
  [14, machines.commitMachine],
  [4, machines.applyNodes],
  [1, machines.restMachine],
  [2, machines.takeDueMachines],
  [6, machines.loadMachine],
];
const total = statements.reduce((sum, [weight]) => sum + weight, 0);

function drawStatement(draw: Draw): Statement {
  let place = draw.random.below(total);
  for (const [weight, statement] of statements) {
    if (place < weight) return statement(draw);
    place -= weight;
  }
  throw new Error("the weights do not add up");
}

/** Mostly little time passes, sometimes a lease's, a site's, or the time that history is kept. */
function pauseMs(random: Random): number {
  const long = [5_000, 20_001, 61_000, 400_000];
  if (random.chance(0.004)) return random.pick([8, 31]) * 24 * 3_600_000;
  return random.chance(0.15) ? random.pick(long) : random.between(1, 50);
}

/** A world in which statements mean something. */
async function prepare(store: Store, clock: ManualClock): Promise<void> {
  await store.addSite("lab");
  await store.addSite("shed");
  await store.addCluster("east", "hash-0");
  await store.addCluster("west", "hash-1");
  const roles = [
    ["one", { site: "lab", cluster: "east" }],
    ["two", { site: "shed", cluster: "west" }],
    ["three", { site: "lab" }],
  ] as const;
  for (const [id, role] of roles) {
    clock.advance(1);
    await enrolAgent(store, id, role);
  }
}

interface Answered {
  readonly threw?: string | undefined;
  readonly value?: unknown;
}

async function answerOf(run: () => Promise<unknown>): Promise<Answered> {
  try {
    return { value: await run() };
  } catch (thrown) {
    const code = sqlState(thrown);
    if (code === undefined) throw thrown;
    return { threw: code };
  }
}

/** Lists of uids and of facts are sets; ids of outbox rows go by their place. */
function comparable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, field: unknown) => {
      if (name === "id" && typeof field === "string" && /^\d+$/.test(field)) return "id";
      if (!Array.isArray(field)) return field;
      const isSet = name === "touched" || name === "secrets" || field.every(isText);
      return isSet ? field.toSorted((left, right) => (text(left) < text(right) ? -1 : 1)) : field;
    }) ?? "null",
  );
}

const isText = (value: unknown): boolean => typeof value === "string";
const text = (value: unknown): string => JSON.stringify(value);

/** What kind of answer it was: all of them must have been seen, or the sequences prove little. */
function kindsOf({ name }: Statement, { threw, value }: Answered): readonly string[] {
  if (threw !== undefined) return [`${name} ${threw}`];
  if (typeof value === "number") return [`${name} number`];
  if (typeof value !== "object" || value === null) return [`${name} ${String(value)}`];
  const { ok, error, kind, value: inner } = value as Readonly<Record<string, unknown>>;
  if (ok === false) return [`${name} ${(error as { readonly kind: string }).kind}`];
  const committed = ok === true ? committedKind(inner) : undefined;
  if (committed !== undefined) return [`${name} ${committed}`];
  const fields = Object.entries((ok === true ? inner : value) ?? {});
  const told = fields.flatMap(([field, said]): readonly string[] =>
    isTelling(said) ? [`${name} ${field}`] : [],
  );
  return [typeof kind === "string" ? `${name} ${kind}` : name, ...told];
}

/** Of a commit that gives uids, a uid or nothing. */
function committedKind(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.length > 0 ? "some" : "none";
  return typeof value === "object" ? undefined : `ok ${typeof value}`;
}

function isTelling(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === "number" ? value > 0 : value === true || typeof value === "string";
}

async function rowsOf(tier: StoreTier): Promise<Readonly<Record<string, readonly PlainRow[]>>> {
  const tables: Record<string, readonly PlainRow[]> = {};
  for (const name of tableNames) {
    const rows = await tier.table(name);
    tables[name] = name === "outbox" ? rows.map((row) => ({ ...row, id: 0 })) : rows;
  }
  return tables;
}

/** What the other store calls the rows of the outbox: they are the same, and in the same order. */
async function otherIds(tiers: readonly [StoreTier, StoreTier]): Promise<Map<string, string>> {
  const [memory, real] = [await tiers[0].table("outbox"), await tiers[1].table("outbox")];
  return new Map(memory.map(({ id }, index) => [String(id), String(real[index]?.["id"])]));
}

const answers = [
  ...["committedSeq", "refused", "touched", "undefined"].map(
    (kind) => `acceptObservations ${kind}`,
  ),
  ...["number", "undefined"].map((kind) => `ackOutbox ${kind}`),
  ...["true", "false", "23505"].map((kind) => `addCluster ${kind}`),
  ...["true", "false"].map((kind) => `addSite ${kind}`),
  ...["true", "false", "23505", "23514"].map((kind) => `addToken ${kind}`),
  ...["stored", "conflict", "fenced", "touched", "machines", "foreign"].map(
    (kind) => `applyFeed ${kind}`,
  ),
  ...["some", "none", "stale", "claimed", "23503"].map((kind) => `commitHost ${kind}`),
  ...["some", "none", "stale"].map((kind) => `commitMachine ${kind}`),
  ...["ok string", "ok undefined", "stale"].map((kind) => `claimHost ${kind}`),
  ...["id", "used", "expired"].map((kind) => `enrol ${kind}`),
  ...["superseded", "cloned", "standby", "23505"].map((kind) => `openSession ${kind}`),
  ...["epoch", "committedSeq", "resync", "regressed", "touched"].map(
    (kind) => `openSession ${kind}`,
  ),
  ...["held", "fenced", "revoked", "lost"].map((kind) => `renewLease ${kind}`),
  ...["true", "false"].map((kind) => `setAgentState ${kind}`),
  "takeOutbox undefined",
];

test.each(Array.from({ length: sequences }, (_, index) => index + 1))(
  "memory and SQL agree on random sequence %i",
  async (seed) => {
    await pglite.clear();
    await pglite.database.rows(sql`ALTER SEQUENCE epochs RESTART`);
    const memory = new MemoryDatabase();
    const tiers = [memoryTier(memory), sqlTier(pglite.database)] as const;
    const clock = makeManualClock();
    const stores = [tiers[0].store(clock), tiers[1].store(clock)] as const;
    for (const tier of tiers) {
      const early = makeManualClock();
      await prepare(tier.store(early), early);
    }
    clock.advance(1_000);
    const random = makeRandom(`differential ${seed}`);
    let number = 100;
    const draw: Draw = {
      random,
      get tables() {
        return memory.tables;
      },
      nowMs: () => clock.nowMs(),
      next: () => ++number,
    };
    for (let step = 1; step <= statementsOfSequence; step += 1) {
      clock.advance(pauseMs(random));
      const statement = drawStatement(draw);
      const names =
        statement.name === "ackOutbox" ? await otherIds(tiers) : new Map<string, string>();
      const [fake, real] = [
        await answerOf(() => statement.run(stores[0], (id) => id)),
        await answerOf(() => statement.run(stores[1], (id) => names.get(id) ?? id)),
      ];
      for (const kind of kindsOf(statement, real)) seen.add(kind);
      const told = `step ${step}: ${statement.name} ${JSON.stringify(statement.given)}`;
      expect(comparable(fake), told).toEqual(comparable(real));
      if (step % compareRowsEvery === 0) {
        expect(await rowsOf(tiers[0]), told).toEqual(await rowsOf(tiers[1]));
      }
    }
  },
);

test("the random sequences come to every kind of answer", () => {
  expect(answers.filter((answer) => !seen.has(answer))).toEqual([]);
});

// The simulator's store against the real statements: the same random sequence of statements on both must give equal
// answers and leave equal rows. What SQL leaves open (order without ORDER BY, ids of the outbox) is not compared.
import { afterAll, beforeAll, expect, test } from "vitest";
import { sqlTier } from "../../support/control-plane/store-tier.ts";
import { startTestPglite, type TestDatabase } from "../../support/control-plane/test-database.ts";
import {
  answerOf,
  comparable,
  otherIds,
  rowsOf,
  type Answered,
} from "./random-statements/compare.ts";
import { drawStatement, pauseMs } from "./random-statements/draw-statement.ts";
import type { Statement } from "./random-statements/draw.ts";
import { beginSequence } from "./random-statements/prepare.ts";

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

/** Of a commit that gives uids, of a claim that gives nothing. */
function committedKind(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.length > 0 ? "some" : "none";
  return typeof value === "object" ? undefined : `ok ${typeof value}`;
}

function isTelling(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === "number" ? value > 0 : value === true || typeof value === "string";
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
  ...["uid", "ok undefined", "stale"].map((kind) => `claimHost ${kind}`),
  ...["id", "used", "expired"].map((kind) => `enrol ${kind}`),
  ...["superseded", "cloned", "standby", "23505"].map((kind) => `openSession ${kind}`),
  ...[
    "epoch",
    "committedSeq",
    "resync",
    "regressed",
    "afterAnother",
    "othersSeenAtMs",
    "touched",
  ].map((kind) => `openSession ${kind}`),
  ...["held", "beside", "fenced", "revoked", "lost"].map((kind) => `renewLease ${kind}`),
  ...["true", "false"].map((kind) => `setAgentState ${kind}`),
  "takeOutbox undefined",
];

test.each(Array.from({ length: sequences }, (_, index) => index + 1))(
  "memory and SQL agree on random sequence %i",
  async (seed) => {
    await pglite.clear();
    const { tiers, clock, random, draw } = await beginSequence(
      `differential ${seed}`,
      sqlTier(pglite.database),
    );
    const stores = [tiers[0].store(clock), tiers[1].store(clock)] as const;
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

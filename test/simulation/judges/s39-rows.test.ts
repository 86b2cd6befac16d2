import { expect, test } from "vitest";
import { fault } from "./made-events.ts";
import { s39 } from "./s39-rows.ts";
import { tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

type Row = Readonly<Record<string, unknown>>;
type Change = readonly [table: string, before: Row | undefined, after: Row | undefined];

const first = { uid: "u", cluster: "c", site: "site-1" };
const places: Readonly<Record<string, readonly Row[]>> = {
  clusters: [{ name: "c" }],
  sites: [{ name: "site-1" }],
  hosts: [first],
};
const running = { id: "u.1", host_uid: "u", state: "running", consumed: false };
const claim = { site: "site-1", kind: "bmc", value: "10.1.0.11", host_uid: "u" };

/** What the judge says of statements, each with its changes, in a database with these rows. */
function says(...statements: readonly (readonly Change[])[]): readonly string[] {
  const made = (changes: readonly Change[], at: number): readonly Made[] =>
    changes.map(([table, before, after], place) => {
      return { at, kind: "commit", statement: `s${at}`, place, table, key: "k", before, after };
    });
  const rows = [[["hosts", first, first]] as const, ...statements];
  return tryJudge(s39, rows.flatMap(made), { truth: { rows: (table) => places[table] ?? [] } });
}

test("rows that fit together keep the invariant, also when a statement makes them in an odd order", () => {
  const ended = { ...running, consumed: true, state: "failed", failure: {}, ended_at: 3 };
  const another = { ...running, id: "u.2" };
  expect(
    says(
      [["operations", undefined, running]],
      [["claims", undefined, claim]],
      [["operations", running, ended]],
      [["operations", undefined, another]],
      [
        ["hosts", first, undefined],
        ["operations", ended, undefined],
        ["operations", another, undefined],
        ["claims", claim, undefined],
      ],
    ),
  ).toEqual([]);
});

test("a row that names none breaks it, whichever of them was changed", () => {
  const orphan = { ...running, id: "v.1", host_uid: "v" };
  expect(says([["operations", undefined, orphan]])).toEqual([
    "after s1: operations.host_uid is v, which is not in hosts",
  ]);
  expect(says([["operations", undefined, running]], [["hosts", first, undefined]])).toEqual([
    "after s2: operations.host_uid is u, which is not in hosts",
  ]);
});

test("two open operations of a host, and one claim twice, break it", () => {
  const another = { ...running, id: "u.2" };
  expect(says([["operations", undefined, running]], [["operations", undefined, another]])).toEqual([
    "after s2: 2 rows of operations have host_uid u",
  ]);
  const twice = { ...claim };
  expect(says([["claims", undefined, claim]], [["claims", undefined, twice]])).toHaveLength(1);
});

test("an end without an outcome, and a state that there is not, break it", () => {
  const ended = { ...running, state: "failed", ended_at: 3 };
  expect(says([["operations", undefined, ended]])).toHaveLength(1);
  const odd = { ...running, state: "sleeping" };
  expect(says([["operations", undefined, odd]])).toEqual(["after s1: operation u.1 is sleeping"]);
});

test("a restored backup is a new beginning", () => {
  const about = { table: "operations", key: "k", before: undefined, place: 0 };
  const commit = { kind: "commit", ...about } as const;
  const events: readonly Made[] = [
    { at: 1, ...commit, statement: "s1", after: running },
    fault(2, "database-restored", "database"),
    { at: 3, ...commit, statement: "s2", after: running },
    { at: 4, ...commit, statement: "s3", after: { ...running, id: "u.2" } },
  ];
  const rows = (table: string) => (table === "operations" ? [running] : (places[table] ?? []));
  expect(tryJudge(s39, events.slice(0, 3), { truth: { rows } })).toEqual([]);
  expect(tryJudge(s39, events, { truth: { rows } })).toHaveLength(1);
});

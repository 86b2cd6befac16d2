import { expect, test } from "vitest";
import { makeVirtualClock } from "../../../infra/lab/bmc-simulator/virtual-clock.ts";
import { openNodeDatabase } from "../../adapters/node-database.ts";
import type { Clock } from "../../ports.ts";
import { prepareDatabase, writeSetting } from "../database.ts";
import { keepSteady, makeSteadyClock } from "./steady-clock.ts";

const startMs = Date.parse("2026-11-01T12:00:00Z");
const hourMs = 3_600_000;

/** A wall clock that somebody sets. */
function settable() {
  const virtual = makeVirtualClock(startMs);
  let setMs = 0;
  const clock: Clock = { ...virtual, nowMs: () => virtual.nowMs() + setMs };
  return {
    clock,
    advance: (ms: number) => virtual.advance(ms),
    set: (ms: number) => (setMs += ms),
  };
}

function openDatabase() {
  const database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  return database;
}

test("a wall clock that is set while the agent runs changes nothing, also for the next life", async () => {
  const database = openDatabase();
  const { clock, advance, set } = settable();
  const first = makeSteadyClock(database, clock, undefined);
  const stop = new AbortController();
  void keepSteady(first, clock, stop.signal);
  set(hourMs);
  await advance(5_000);
  expect(first.nowMs()).toBe(startMs + 5_000);
  stop.abort();
  await advance(60_000);
  expect(makeSteadyClock(database, clock, undefined).nowMs()).toBe(startMs + 65_000);
});

test("a wall clock that is set between two lives counts only if the machine was started anew", async () => {
  const database = openDatabase();
  const { clock, advance, set } = settable();
  const bornMs = clock.monotonicMs();
  const boot = (id: string) => ({ id, sinceMs: () => clock.monotonicMs() - bornMs });
  makeSteadyClock(database, clock, boot("first")).keep();
  set(hourMs);
  await advance(20_000);
  expect(makeSteadyClock(database, clock, boot("first")).nowMs()).toBe(startMs + 20_000);
  const second = makeSteadyClock(database, clock, boot("second"));
  expect(second.nowMs()).toBe(startMs + hourMs + 20_000);
  second.keep();
  set(-2 * hourMs);
  expect(makeSteadyClock(database, clock, boot("second")).nowMs()).toBe(second.nowMs());
});

test("without a boot it goes between two lives as the wall clock does, and never back", async () => {
  const database = openDatabase();
  const { clock, set } = settable();
  makeSteadyClock(database, clock, undefined).keep();
  set(hourMs);
  expect(makeSteadyClock(database, clock, undefined).nowMs()).toBe(startMs + hourMs);
  set(-2 * hourMs);
  expect(makeSteadyClock(database, clock, undefined).nowMs()).toBe(startMs);
});

test("without anything to go on from, or with something spoiled, it is the wall clock", () => {
  const database = openDatabase();
  const { clock } = settable();
  expect(makeSteadyClock(database, clock, undefined).nowMs()).toBe(startMs);
  writeSetting(database, "steady-clock", "{");
  expect(makeSteadyClock(database, clock, undefined).nowMs()).toBe(startMs);
});

test("that the wall clock was set is on disk at once, as the power may go", async () => {
  const database = openDatabase();
  const { clock, advance, set } = settable();
  const [synced, noted] = [[] as string[], [] as string[]];
  const run: typeof database.run = (sql, ...values) => {
    synced.push(String(values[1]));
    return database.run(sql, ...values);
  };
  const note: typeof database.note = (sql, ...values) => {
    noted.push(String(values[1]));
    database.note(sql, ...values);
  };
  const stop = new AbortController();
  void keepSteady(
    makeSteadyClock({ ...database, run, note }, clock, undefined),
    clock,
    stop.signal,
  );
  await advance(10_000);
  expect([synced, noted].map(({ length }) => length)).toEqual([1, 2]);
  set(-hourMs);
  await advance(10_000);
  expect([synced, noted].map(({ length }) => length)).toEqual([2, 3]);
  expect(JSON.parse(synced[1] ?? "")).toMatchObject({ wallMs: startMs + 15_000 - hourMs });
  stop.abort();
});

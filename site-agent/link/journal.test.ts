// The journal across crashes: a new journal over the same database is a restarted agent.
import { expect, test } from "vitest";
import type { Operation } from "../../shared/protocol/operation.ts";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import { openNodeDatabase } from "../adapters/node-database.ts";
import { prepareDatabase } from "./database.ts";
import { makeJournal, outcomeAfterRestart } from "./journal.ts";
import { makeObservations } from "./observations.ts";

const operation: Operation = {
  id: "u1.1",
  hostUid: "u1",
  revision: 1,
  attempt: 1,
  validForMs: 1000,
  class: "once",
  allocation: "",
  payload: { kind: "register" },
};
const success = { ok: true, result: { kind: "power", on: true } } as const;

function database() {
  const opened = openNodeDatabase(":memory:");
  prepareDatabase(opened);
  return opened;
}

test("an operation runs once when it is delivered twice", () => {
  const journal = makeJournal(database());
  expect(journal.accept(operation)).toEqual({ kind: "new" });
  expect(journal.accept(operation)).toMatchObject({ kind: "known", entry: { state: "accepted" } });
  journal.start(operation.id);
  journal.finish(operation.id, success);
  expect(journal.accept(operation)).toMatchObject({
    kind: "known",
    entry: { state: "finished", outcome: success },
  });
});

test.each([
  ["accepted", "expired", false],
  ["started", "expired", false],
  ["destroying", "interrupted", true],
] as const)("an operation that a crash leaves %s ends as %s", (state, kind, destroyed) => {
  const shared = database();
  const before = makeJournal(shared);
  before.accept(operation);
  if (state !== "accepted") before.start(operation.id);
  if (state === "destroying") before.destroying(operation.id);

  const after = makeJournal(shared);
  const [left] = after.unfinished();
  expect(left?.state).toBe(state);
  expect(outcomeAfterRestart(state)).toMatchObject({ ok: false, failure: { kind, destroyed } });
  after.finish(operation.id, outcomeAfterRestart(state));
  expect(after.unfinished()).toEqual([]);
});

test("an operation cannot destroy before it has started, nor after it has finished", () => {
  const journal = makeJournal(database());
  journal.accept(operation);
  expect(() => journal.destroying(operation.id)).toThrow("u1.1");
  journal.start(operation.id);
  journal.finish(operation.id, success);
  expect(() => journal.destroying(operation.id)).toThrow("u1.1");
});

test("of each host the newest finished operations are kept, and what is not finished", () => {
  const journal = makeJournal(database());
  const ids = (hostUid: string) => journal.ofHost(hostUid).map((entry) => entry.operation.id);
  for (const hostUid of ["u1", "u2"]) {
    for (const number of [1, 2, 3, 4]) {
      const id = `${hostUid}.${number}`;
      journal.accept({ ...operation, id, hostUid });
      if (number > 1) journal.finish(id, success);
    }
  }
  journal.trim("u1", 2);
  expect(ids("u1")).toEqual(["u1.4", "u1.3", "u1.1"]);
  expect(ids("u2")).toHaveLength(4);
});

test("observations are numbered without a gap and trimmed at the watermark", () => {
  const shared = database();
  const ring = makeObservations(shared, makeVirtualClock(), "boot-1");
  for (const on of [true, false, true]) ring.add({ kind: "power", hostUid: "u1", on });
  expect(ring.takeAfter(0).map((each) => each.seq)).toEqual([1, 2, 3]);
  ring.trim(2);
  expect(ring.takeAfter(0).map((each) => each.seq)).toEqual([3]);
  expect(ring.lastSeq()).toBe(3);
});

test("observations that were not committed are numbered anew after a restart", () => {
  const shared = database();
  const before = makeObservations(shared, makeVirtualClock(), "boot-1");
  for (const on of [true, false]) before.add({ kind: "power", hostUid: "u1", on });
  before.trim(1);
  const after = makeObservations(shared, makeVirtualClock(), "boot-2");
  expect(after.takeAfter(0)).toMatchObject([{ seq: 1, body: { on: false } }]);
});

test("a state database of a newer agent is refused with the way out", () => {
  const shared = openNodeDatabase(":memory:");
  shared.execute("PRAGMA user_version = 99");
  expect(() => prepareDatabase(shared)).toThrow("newer agent");
});

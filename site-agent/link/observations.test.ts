// The ring of observations: no gap, whatever fails; of progress only the newest waits.
import { beforeEach, expect, test } from "vitest";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import { openNodeDatabase } from "../adapters/node-database.ts";
import { prepareDatabase } from "./database.ts";
import { makeObservations, type Observations } from "./observations.ts";

let database: ReturnType<typeof openNodeDatabase>;
let ring: Observations;
beforeEach(() => {
  database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  ring = makeObservations(database, makeVirtualClock(), "boot-1");
});

const power = (on: boolean) => ({ kind: "power", hostUid: "u1", on }) as const;
const progress = (doneBytes: number, operationId = "u1.1") =>
  ({
    kind: "operation-progress",
    hostUid: "u1",
    operationId,
    progress: { step: "Writing", doneBytes, atMs: 1 },
  }) as const;
const bytes = (seq: number) =>
  ring
    .takeAfter(seq)
    .map(({ body }) => (body.kind === "operation-progress" ? body.progress.doneBytes : body.kind));

test("of an operation's progress that was not sent yet only the newest is kept", () => {
  ring.add(power(true));
  for (let at = 1; at <= 1_000; at += 1) ring.add(progress(at));
  ring.add(progress(7, "u2.1"));
  expect(bytes(0)).toEqual(["power", 1_000, 7]);
  expect(ring.lastSeq()).toBe(3);
});

test("progress that was sent is not changed any more", () => {
  ring.add(progress(1));
  expect(bytes(0)).toEqual([1]);
  ring.add(progress(2));
  ring.add(progress(3));
  expect(bytes(0)).toEqual([1, 3]);
});

test("progress is never moved behind the end of its operation", () => {
  ring.add(progress(1));
  ring.add({ kind: "operation-started", hostUid: "u1", operationId: "u1.1" });
  ring.add(progress(2));
  expect(bytes(0)).toEqual([1, "operation-started", 2]);
});

test("what is written with an observation is written with it or not at all", () => {
  const write = () => database.run("INSERT INTO settings (key, value) VALUES ('a', 'b')");
  expect(() =>
    ring.add(power(true), () => {
      write();
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(database.all("SELECT * FROM settings")).toEqual([]);
  ring.add(power(true), () => void write());
  expect(database.all("SELECT * FROM settings")).toHaveLength(1);
});

test("an observation that could not be stored leaves no gap", () => {
  ring.add(power(true));
  expect(() =>
    ring.add(power(false), () => {
      throw new Error("disk full");
    }),
  ).toThrow("disk full");
  ring.add(power(true));
  expect(ring.takeAfter(0).map(({ seq }) => seq)).toEqual([1, 2]);
});

test("an observation whose commit fails leaves no gap", () => {
  let full = false;
  const failing = {
    ...database,
    transaction: <T>(work: () => T): T =>
      database.transaction(() => {
        const value = work();
        if (full) throw new Error("disk full");
        return value;
      }),
  };
  ring = makeObservations(failing, makeVirtualClock(), "boot-1");
  ring.add(power(true));
  full = true;
  expect(() => ring.add(power(false))).toThrow("disk full");
  full = false;
  ring.add(power(true));
  expect(ring.takeAfter(0).map(({ seq }) => seq)).toEqual([1, 2]);
  expect(ring.lastSeq()).toBe(2);
});

test("nobody is told of an observation that is not stored yet", () => {
  let stored = -1;
  ring.onAdd(() => {
    stored = ring.takeAfter(0).length;
  });
  ring.add(power(true));
  expect(stored).toBe(1);
});

test("a body that the protocol does not allow is refused here, and not by the control plane", () => {
  const failure = { kind: "disk" as const, message: "x".repeat(5_000), destroyed: true };
  const body = { kind: "operation-failed", hostUid: "u1", operationId: "u1.1", failure } as const;
  expect(() => ring.add(body)).toThrow();
  expect(() => ring.add({ kind: "bmc", hostUid: "x".repeat(70_000) })).toThrow("frame");
  expect(ring.lastSeq()).toBe(0);
});

test("what an older program left and this one does not understand is dropped at the start", () => {
  const insert = (seq: number, body: object) =>
    database.run(
      "INSERT INTO observations (boot_id, seq, at_ms, body) VALUES ('old', ?, 1, ?)",
      seq,
      JSON.stringify(body),
    );
  insert(1, power(true));
  insert(2, { kind: "weather", sunny: true });
  insert(3, power(false));
  const next = makeObservations(database, makeVirtualClock(), "boot-2");
  expect(next.takeAfter(0)).toMatchObject([
    { seq: 1, body: { on: true } },
    { seq: 2, body: { on: false } },
  ]);
});

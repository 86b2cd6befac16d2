import { expect, test } from "vitest";
import { makeDecisionQueue } from "./decision-queue.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A reconcile whose runs a test ends by hand. */
function gated() {
  const started: string[] = [];
  const open = new Map<string, () => void>();
  const reconcile = async (uid: string) => {
    started.push(uid);
    await new Promise<void>((resolve) => open.set(uid, resolve));
  };
  const finish = async (uid: string) => {
    open.get(uid)?.();
    await Promise.resolve();
  };
  return { started, reconcile, finish };
}

test("the queue decides about a host once when it is asked several times before it begins", async () => {
  const { started, reconcile, finish } = gated();
  const queue = makeDecisionQueue(reconcile, { concurrency: 1, log: silent });
  const first = queue.decide(["a"]);
  const rest = Promise.all([queue.decide(["b"]), queue.decide(["b"]), queue.decide(["b"])]);
  expect(started).toEqual(["a"]);
  await finish("a");
  await first;
  await finish("b");
  await rest;
  expect(started).toEqual(["a", "b"]);
});

test("the queue decides again when a host is named while its decision runs", async () => {
  const { started, reconcile, finish } = gated();
  const queue = makeDecisionQueue(reconcile, { concurrency: 4, log: silent });
  const first = queue.decide(["a"]);
  const again = queue.decide(["a"]);
  expect(started).toEqual(["a"]);
  await finish("a");
  await first;
  expect(started).toEqual(["a", "a"]);
  await finish("a");
  await again;
  await queue.idle();
});

test("the queue runs no more decisions at once than allowed", async () => {
  const { started, reconcile, finish } = gated();
  const queue = makeDecisionQueue(reconcile, { concurrency: 2, log: silent });
  const all = queue.decide(["a", "b", "c"]);
  expect(started).toEqual(["a", "b"]);
  for (const uid of ["a", "b", "c"]) {
    await finish(uid);
    await Promise.resolve();
  }
  await finish("c");
  await all;
  expect(started).toEqual(["a", "b", "c"]);
});

test("the queue goes on when a decision throws", async () => {
  const seen: string[] = [];
  const queue = makeDecisionQueue(
    (uid) => {
      seen.push(uid);
      return uid === "a" ? Promise.reject(new Error("no")) : Promise.resolve();
    },
    { concurrency: 1, log: silent },
  );
  await queue.decide(["a", "b"]);
  await queue.idle();
  expect(seen).toEqual(["a", "b"]);
});

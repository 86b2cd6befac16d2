// The lease as its holder sees it: how long it lasts, and who counts as alone.
import { beforeEach, expect, test } from "vitest";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import { makeLease, type Lease } from "./lease.ts";

let clock: ReturnType<typeof makeVirtualClock>;
let lease: Lease;
beforeEach(() => {
  clock = makeVirtualClock();
  lease = makeLease(clock);
});

test("a lease lasts 15 s from when its renewal was sent, and is nobody's before the first", async () => {
  expect([lease.problem() === undefined, lease.isAlone()]).toEqual([false, false]);
  lease.opened(clock.monotonicMs());
  await clock.advance(10_000);
  const sequence = lease.sent();
  await clock.advance(4_000);
  lease.answered(sequence);
  await clock.advance(10_000);
  expect([lease.problem() === undefined, lease.isAlone()]).toEqual([true, true]);
  await clock.advance(1_000);
  expect([lease.problem() === undefined, lease.isAlone()]).toEqual([false, false]);
});

test("who was told of a copy is not alone for half an hour, though the lease is back", async () => {
  lease.opened(clock.monotonicMs());
  lease.closed(true);
  lease.opened(clock.monotonicMs());
  expect([lease.problem() === undefined, lease.isAlone()]).toEqual([true, false]);
  await clock.advance(30 * 60_000 + 1);
  lease.opened(clock.monotonicMs());
  expect(lease.isAlone()).toBe(true);
});

test("nor is who comes after another process that may still be at work", () => {
  lease.opened(clock.monotonicMs(), true);
  expect([lease.problem() === undefined, lease.isAlone()]).toEqual([true, false]);
});

test("nor is who is told that another process asks for its session, until no answer tells so [S15]", () => {
  lease.opened(clock.monotonicMs());
  lease.answered(lease.sent(), true);
  expect([lease.problem() === undefined, lease.isAlone()]).toEqual([true, false]);
  lease.answered(lease.sent());
  expect(lease.isAlone()).toBe(true);
});

test("who waited for approval, or for an earlier process of its own, is alone with the lease", () => {
  lease.closed(true);
  lease.opened(clock.monotonicMs());
  expect(lease.isAlone()).toBe(true);
});

test("machines may be looked at from the first session on, but for while another process has the lease", async () => {
  expect(lease.mayLook()).toBe(false);
  lease.closed(true);
  expect(lease.mayLook()).toBe(false);
  lease.opened(undefined);
  expect(lease.mayLook()).toBe(true);
  lease.closed(false);
  await clock.advance(24 * 3_600_000);
  expect(lease.mayLook()).toBe(true);
  lease.closed(true);
  expect(lease.mayLook()).toBe(false);
  lease.opened(undefined);
  expect(lease.mayLook()).toBe(true);
});

test("a session counts as confirmed for 15 s from its welcome, and from each answered renewal", async () => {
  expect(lease.isConfirmed()).toBe(false);
  lease.opened(undefined);
  expect(lease.isConfirmed()).toBe(true);
  await clock.advance(10_000);
  const sequence = lease.sent();
  await clock.advance(4_000);
  lease.answered(sequence);
  await clock.advance(10_999);
  expect(lease.isConfirmed()).toBe(true);
  await clock.advance(1);
  expect(lease.isConfirmed()).toBe(false);
  lease.opened(undefined);
  lease.closed(true);
  expect(lease.isConfirmed()).toBe(false);
});

import { expect, test } from "vitest";
import type { FromAgent } from "../../../shared/protocol/frames.ts";
import { WaitingFrames } from "./waiting-frames.ts";

const ack = (...done: string[]) => ({ type: "ack" as const, epoch: 5, done, failed: [] });
function observations(first: number, count = 1, epoch = 5) {
  const items = Array.from({ length: count }, (_, at) => ({
    seq: first + at,
    atMs: 0,
    body: { kind: "operation-accepted" as const, hostUid: "h", operationId: "h.1" },
  }));
  return { type: "observations" as const, epoch, items };
}
const lease: FromAgent = { type: "lease", epoch: 5, sequence: 1 };

test("what waits takes in what comes behind it, kind by kind, until it is handled", () => {
  const frames = new WaitingFrames();
  const [acks, told] = [ack("1"), observations(4)];
  expect([acks, lease, told].map((frame) => frames.joins(frame))).toEqual([false, false, false]);
  expect([ack("2", "3"), lease, observations(5, 2)].map((frame) => frames.joins(frame))).toEqual([
    true,
    false,
    true,
  ]);
  expect(acks.done).toEqual(["1", "2", "3"]);
  expect(told.items.map(({ seq }) => seq)).toEqual([4, 5, 6]);
  frames.begins(acks);
  expect([ack("4"), observations(7)].map((frame) => frames.joins(frame))).toEqual([false, true]);
  expect(acks.done).toHaveLength(3);
});

test("observations that do not follow, and frames of another session, are judged for themselves", () => {
  const frames = new WaitingFrames();
  frames.joins(observations(4));
  expect(frames.joins(observations(6))).toBe(false);
  expect(frames.joins(observations(7, 1, 6))).toBe(false);
  frames.joins(ack("1"));
  expect(frames.joins({ ...ack("2"), epoch: 6 })).toBe(false);
});

test("what waits does not grow without end", () => {
  const frames = new WaitingFrames();
  const first = observations(1, 60);
  frames.joins(first);
  const second = observations(61, 60);
  expect(frames.joins(second)).toBe(false);
  expect(frames.joins(observations(121))).toBe(true);
  expect([first, second].map(({ items }) => items.length)).toEqual([60, 61]);
});

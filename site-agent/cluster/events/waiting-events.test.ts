import { expect, test } from "vitest";
import { makeVirtualClock } from "../../../infra/lab/bmc-simulator/virtual-clock.ts";
import { WaitingEvents } from "./waiting-events.ts";

const event = (version: number) => ({
  type: "MODIFIED",
  object: { metadata: { resourceVersion: `${version}` } },
});
const versions = (events: readonly { readonly object: unknown }[] | undefined) =>
  events?.map(({ object }) => (object as ReturnType<typeof event>["object"]).metadata);

test("that all has arrived is told behind what had come by then, though more comes without a pause", async () => {
  const events = new WaitingEvents(makeVirtualClock(), () => false);
  for (const version of [1, 2, 3]) events.push(event(version));
  events.allArrived();
  expect(await events.take(2)).toHaveLength(2);
  events.push(event(4));
  events.allArrived();
  expect(versions(await events.take(2))).toEqual([{ resourceVersion: "3" }]);
  events.push(event(5));
  expect(await events.take(2)).toEqual([]);
  expect(await events.take(9)).toHaveLength(2);
});

test("it is told at once where nothing waits, once, and the end comes after all", async () => {
  const events = new WaitingEvents(makeVirtualClock(), () => false);
  const told = events.take(2);
  events.allArrived();
  expect(await told).toEqual([]);
  events.push(event(1));
  events.end();
  expect(await events.take(2)).toHaveLength(1);
  expect(await events.take(2)).toBeUndefined();
});

test("what is idle waits half a second, or for what is not, or for the end", async () => {
  const clock = makeVirtualClock();
  const isIdle = ({ type }: { readonly type: string }) => type === "IDLE";
  const idle = (version: number) => ({ ...event(version), type: "IDLE" });
  const events = new WaitingEvents(clock, isIdle);
  const taken: (readonly unknown[] | undefined)[] = [];
  const take = () => void events.take(9).then((some) => taken.push(versions(some)));
  const of = (...all: number[]) => all.map((version) => ({ resourceVersion: `${version}` }));
  events.push(idle(1));
  take();
  await clock.advance(400);
  events.push(idle(2));
  await clock.advance(99);
  expect(taken).toEqual([]);
  await clock.advance(1);
  expect(taken).toEqual([of(1, 2)]);
  events.push(idle(3));
  take();
  await clock.advance(100);
  events.push(event(4));
  await clock.advance(0);
  expect(taken[1]).toEqual(of(3, 4));
  take();
  events.push(idle(5));
  await clock.advance(499);
  expect(taken).toHaveLength(2);
  events.allArrived();
  await clock.advance(0);
  expect(taken[2]).toEqual(of(5));
  expect(await events.take(9)).toEqual([]);
  events.push(idle(6));
  events.end();
  expect(versions(await events.take(9))).toEqual(of(6));
  expect(await events.take(9)).toBeUndefined();
});

import { expect, test } from "vitest";
import { WaitingEvents } from "./waiting-events.ts";

const event = (version: number) => ({
  type: "MODIFIED",
  object: { metadata: { resourceVersion: `${version}` } },
});
const versions = (events: readonly { readonly object: unknown }[] | undefined) =>
  events?.map(({ object }) => (object as ReturnType<typeof event>["object"]).metadata);

test("that all has arrived is told behind what had come by then, though more comes without a pause", async () => {
  const events = new WaitingEvents();
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
  const events = new WaitingEvents();
  const told = events.take(2);
  events.allArrived();
  expect(await told).toEqual([]);
  events.push(event(1));
  events.end();
  expect(await events.take(2)).toHaveLength(1);
  expect(await events.take(2)).toBeUndefined();
});

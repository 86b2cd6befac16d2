import { expect, test } from "vitest";
import { makeKernel } from "./kernel.ts";
import { makeLife } from "./life.ts";

function stoodStill() {
  const kernel = makeKernel("1", 0);
  const life = makeLife({ kernel, name: "agent", incarnation: 1 });
  const told: string[] = [];
  const tell = (what: string): void => void told.push(`${what} at ${kernel.nowMs()}`);
  kernel.timer(10, () => life.pause(90));
  for (const ms of [20, 30]) kernel.timer(ms, () => life.arrive(() => tell(`sent at ${ms}`)));
  life.clock.timer(40, () => tell("timer"));
  return { kernel, life, told, tell };
}

test("what reaches a process that stands still comes in order when it goes on", async () => {
  const { kernel, life, told, tell } = stoodStill();
  kernel.timer(100, () => life.arrive(() => tell("sent at 100")));
  await kernel.run(99);
  expect(told).toEqual([]);
  await kernel.run(200);
  expect(told).toEqual([
    "sent at 20 at 100",
    "sent at 30 at 100",
    "timer at 100",
    "sent at 100 at 100",
  ]);
});

test("a process that is resumed goes on before its time", async () => {
  const { kernel, life, told } = stoodStill();
  kernel.timer(50, () => life.resume());
  await kernel.run(60);
  expect(told).toEqual(["sent at 20 at 50", "sent at 30 at 50", "timer at 50"]);
});

test("the longer of two pauses counts", async () => {
  const { kernel, life, told } = stoodStill();
  kernel.timer(15, () => life.pause(10));
  await kernel.run(99);
  expect(told).toEqual([]);
  await kernel.run(100);
  expect(told).toHaveLength(3);
});

test("nothing reaches a process that ended while it stood still", async () => {
  const { kernel, life, told } = stoodStill();
  kernel.timer(50, () => life.end());
  await kernel.run(200);
  expect(told).toEqual([]);
});

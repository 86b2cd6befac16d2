// A reading against what was told last is doubtful until it was shown, or two minutes are over.
import { expect, test } from "vitest";
import { ToldPower } from "./told-power.ts";

function make() {
  const clock = { now: 0, monotonicMs: () => clock.now };
  return { clock, told: new ToldPower(clock) };
}

test("what was told and is not shown yet makes a reading doubtful, what was shown once does not", () => {
  const { told } = make();
  expect(told.isDoubtful(false)).toBe(false);
  told.tell("on");
  expect(told.isDoubtful(false)).toBe(true);
  expect(told.isDoubtful(true)).toBe(false);
  expect(told.isDoubtful(false)).toBe(false);
  told.tell("on");
  told.tell("off");
  expect(told.isDoubtful(true)).toBe(true);
  expect(told.isDoubtful(false)).toBe(false);
});

test("a command that shows nothing for two minutes was not done, and a soft one promises nothing", () => {
  const { clock, told } = make();
  told.tell("on");
  clock.now = 120_000;
  expect(told.isDoubtful(false)).toBe(true);
  clock.now += 1;
  expect(told.isDoubtful(false)).toBe(false);
  told.tell("on");
  told.tell("reset");
  expect(told.isDoubtful(false)).toBe(true);
  told.tell("soft");
  expect(told.isDoubtful(false)).toBe(false);
});

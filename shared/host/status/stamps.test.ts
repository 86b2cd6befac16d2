// Which stamps of a status are known, and which are of a memory that is lost.
import { expect, test } from "vitest";
import { makeHost, makeHostWorld, startMs } from "../../../test/support/host-world.ts";
import { isOvertaken } from "../adopt.ts";
import { isLost } from "./stamps.ts";

const at = (second: number) => new Date(startMs + 1_000 * second).toISOString().slice(0, 19) + "Z";

test("isLost knows what was seen, and each stamp that was decided since", () => {
  const known = { seen: at(10), own: [at(20), at(30)] };
  for (const second of [5, 10, 20, 30]) expect(isLost(at(second), known)).toBe(false);
  for (const second of [11, 25, 31]) expect(isLost(at(second), known)).toBe(true);
  expect(isLost(undefined, known)).toBe(false);
  expect(isLost("no time", known)).toBe(false);
  expect(isLost(at(1), { own: [] })).toBe(true);
});

test("isLost gives the benefit of the doubt between the first and the last of very many", () => {
  const own = Array.from({ length: 64 }, (_, index) => at(2 * index));
  expect(isLost(at(3), { own })).toBe(false);
  expect(isLost(at(3), { own: own.slice(1) })).toBe(true);
  expect(isLost(at(200), { own })).toBe(true);
});

test("a host is overtaken by a status that its memory did not decide, and by none that it did", () => {
  const world = makeHostWorld(makeHost());
  world.reach("inspecting");
  const { memory } = world.seen;
  expect(isOvertaken(world.seen)).toBe(false);
  world.seen.nowMs += 60_000;
  world.reach("available");
  expect(isOvertaken(world.seen)).toBe(false);
  expect(isOvertaken({ ...world.seen, memory })).toBe(true);
  expect(isOvertaken({ ...world.seen, memory: undefined })).toBe(false);
  expect(isOvertaken({ ...world.seen, memory, deleted: true })).toBe(false);
  const annotations = { "baremetalhost.metal3.io/paused": "" };
  const metadata = { ...world.host.metadata, annotations };
  expect(isOvertaken({ ...world.seen, memory, host: { ...world.host, metadata } })).toBe(false);
});

test("stamps never go back, whichever instance decides", () => {
  const world = makeHostWorld(makeHost());
  world.reach("inspecting");
  const before = world.host.status?.lastUpdated;
  world.seen.nowMs -= 30_000;
  world.reach("available");
  expect(world.host.status?.lastUpdated).toBe(before);
});

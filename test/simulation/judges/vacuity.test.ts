// What a run must have seen to prove anything.
import { expect, test } from "vitest";
import { readOptions } from "../report/options.ts";
import { scenarioOf } from "../report/play.ts";
import { makeCounter, vacuityOf } from "./vacuity.ts";

const scenario = {
  ...scenarioOf(1, readOptions([])),
  machines: [],
  faults: [{ fault: "agent-stop", target: "site-1", atMs: 1, untilMs: 2, amount: 1 }] as const,
};
const base = { fault: "agent-stop", target: "site-1", atMs: 1, number: 1 } as const;

test("a fault that was armed is to be seen, or to be told as impossible", () => {
  const seen = makeCounter();
  expect(vacuityOf(scenario, seen.counts)).toBe("armed and never seen: agent-stop");
  seen.onEvent({ kind: "fault", ...base });
  expect(vacuityOf(scenario, seen.counts)).toBeUndefined();
  const missed = makeCounter();
  missed.onEvent({ kind: "fault-missed", ...base });
  expect(vacuityOf(scenario, missed.counts)).toBeUndefined();
});

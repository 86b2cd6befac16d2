// What is said at the end of many runs: what was seen, what never was, and what cannot be judged.
import { afterEach, expect, test, vi } from "vitest";
import { notReachable } from "../judges/not-reachable.table.ts";
import { noCounts } from "../judges/vacuity.ts";
import { readOptions } from "./options.ts";
import { printSummary, summaryOf } from "./summary.ts";
import type { Outcome } from "./summary.ts";

afterEach(() => void vi.restoreAllMocks());

function outcome(seed: number, counts: Partial<Outcome["counts"]>): Outcome {
  const played = { hash: "", events: 1, virtualMs: 1, wallMs: 1, cpuMs: 500 };
  const about = { seed, profile: "swarm", faults: [], problems: [], ...played };
  return { ...about, counts: { ...noCounts(), ...counts } };
}

function printed(outcomes: readonly Outcome[]): readonly string[] {
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  printSummary(summaryOf(outcomes, 1_000), readOptions([]));
  return lines.join("\n").split("\n");
}

const line = (lines: readonly string[], begin: string): string =>
  lines.find((each) => each.startsWith(`  ${begin}`)) ?? "";

test("counts of all runs are added up, and what none has seen is named", () => {
  const lines = printed([
    outcome(0, { missedFaults: { "agent-stop": 1 } }),
    outcome(1, { faults: { "bmc-hangs": 2 }, failures: { fenced: 1 }, errors: {} }),
    outcome(2, { faults: { "bmc-hangs": 1 }, transitions: { "preparing → available": 4 } }),
  ]);
  expect(line(lines, "faults:")).toBe("  faults: bmc-hangs 3");
  expect(line(lines, "faults that")).toBe("  faults that could not be done in time: agent-stop 1");
  expect(line(lines, "faults never seen:")).toContain("agent-crash");
  expect(line(lines, "faults never seen:")).not.toContain("bmc-hangs");
  expect(line(lines, "transitions never seen:")).toContain("none → registering");
  expect(line(lines, "transitions never seen:")).not.toContain("preparing → available");
  expect(line(lines, "failures never seen:")).toContain("identity");
  expect(line(lines, "failures never seen:")).not.toContain("fenced");
  expect(line(lines, "errors never seen:")).toContain("inspection error");
});

test("what a scenario costs is told in CPU time, which other load changes little", () => {
  const lines = printed([outcome(1, {}), outcome(2, {})]);
  expect(line(lines, "1 events")).toContain("0.5 CPU seconds a scenario: 2 events a CPU second");
});

test("what cannot be judged is said aloud, one by one", () => {
  const lines = printed([outcome(1, {})]);
  expect(line(lines, "judged:")).toContain(`${notReachable.length} are NOT REACHABLE yet`);
  for (const { id, missing } of notReachable) {
    expect(lines.some((each) => each.startsWith(`    ${id} `) && each.includes(missing))).toBe(
      true,
    );
  }
});

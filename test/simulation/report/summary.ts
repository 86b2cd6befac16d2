// What many runs came to, as tables for people.
import { operationErrorKind } from "../../../shared/protocol/operation.ts";
import { judgeKinds } from "../judges/judges.table.ts";
import { notReachable } from "../judges/not-reachable.table.ts";
import { follows } from "../judges/transitions.table.ts";
import { noCounts, transitionOf } from "../judges/vacuity.ts";
import type { Counts } from "../judges/vacuity.ts";
import { possibleFaultsOf } from "../run/faults.ts";
import type { SimOptions } from "./options.ts";

export interface Outcome {
  readonly seed: number;
  readonly profile: string;
  readonly faults: readonly string[];
  readonly problems: readonly string[];
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly counts: Counts;
}

/** The command that plays it again, and prints what happens. */
export function replayOf(
  { seed }: Pick<Outcome, "seed">,
  { hosts, minutes, profile, tier }: SimOptions,
): string {
  const drawn = profile === undefined ? "" : ` --profile ${profile}`;
  const where = tier === "memory" ? "" : ` --tier ${tier}`;
  return `replay: npm run sim -- --seed ${seed} --hosts ${hosts} --minutes ${minutes}${drawn}${where} --trace`;
}

export function printRun(outcome: Outcome, options: SimOptions): void {
  const { seed, profile, events, virtualMs, wallMs, counts, hash } = outcome;
  console.log(
    `seed ${seed} (${profile}): ${counts.pointsOfNoReturn} points of no return, ${counts.crashes} crashes, ` +
      `${events} events, ${Math.round(virtualMs / 60_000)} virtual minutes in ${(wallMs / 1000).toFixed(1)} s, ${hash.slice(0, 12)}`,
  );
  for (const problem of outcome.problems) console.log(`  ${problem.slice(0, 500)}`);
  if (outcome.problems.length === 0) return;
  console.log(`  ${replayOf(outcome, options)}`);
}

export interface Summary {
  readonly seeds: number;
  readonly problems: number;
  readonly counts: Counts;
  readonly events: number;
  readonly virtualMs: number;
  readonly wallMs: number;
  readonly cpuMs: number;
}

export function summaryOf(outcomes: readonly Outcome[], wallMs: number): Summary {
  const counts = noCounts();
  for (const { counts: one } of outcomes) {
    counts.pointsOfNoReturn += one.pointsOfNoReturn;
    counts.crashes += one.crashes;
    counts.powerCommands += one.powerCommands;
    counts.logins += one.logins;
    for (const key of [...countedKeys, "missedFaults"] as const) addAll(counts[key], one[key]);
  }
  return {
    seeds: outcomes.length,
    problems: outcomes.filter(({ problems }) => problems.length > 0).length,
    counts,
    events: outcomes.reduce((sum, { events }) => sum + events, 0),
    virtualMs: outcomes.reduce((sum, { virtualMs }) => sum + virtualMs, 0),
    cpuMs: outcomes.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    wallMs,
  };
}

const countedKeys = ["faults", "transitions", "errors", "failures"] as const;

function addAll(to: Partial<Record<string, number>>, from: Partial<Record<string, number>>): void {
  for (const [key, count = 0] of Object.entries(from)) to[key] = (to[key] ?? 0) + count;
}

export function printSummary(summary: Summary, { hosts, minutes, tier }: SimOptions): void {
  const { seeds, problems, counts, events, virtualMs, wallMs, cpuMs } = summary;
  const seconds = wallMs / 1000;
  const cpuSeconds = cpuMs / 1000;
  console.log(
    `\n${seeds} seeds of ${hosts} hosts and ${minutes} minutes of faults: ${problems} with problems\n` +
      `  ${Math.round(virtualMs / 3_600_000)} virtual hours in ${seconds.toFixed(0)} s: ` +
      `${Math.round(events / seconds)} events/s, ${((seeds * 60) / seconds).toFixed(1)} scenarios/min\n` +
      `  ${Math.round(events / seeds)} events and ${(cpuSeconds / seeds).toFixed(1)} CPU seconds a scenario: ` +
      `${Math.round(events / cpuSeconds)} events a CPU second\n` +
      `  ${counts.pointsOfNoReturn} points of no return, ${counts.crashes} crashes, ` +
      `${counts.powerCommands} power commands, ${counts.logins} logins`,
  );
  for (const [what, wanted] of Object.entries(wantedOf(tier))) {
    const seen: Partial<Record<string, number>> = counts[what as (typeof countedKeys)[number]];
    print(what, seen);
    const unseen = wanted.filter((each) => seen[each] === undefined);
    if (unseen.length > 0) console.log(`  ${what} never seen: ${unseen.join(", ")}`);
  }
  if (Object.keys(counts.missedFaults).length > 0)
    print("faults that could not be done in time", counts.missedFaults);
  console.log(
    `  judged: ${judgeKinds.length} invariants; ${notReachable.length} are NOT REACHABLE yet:\n` +
      notReachable.map(({ id, says, missing }) => `    ${id} ${says}: needs ${missing}`).join("\n"),
  );
}

/** What many runs should see at least once, by what is counted. */
function wantedOf(
  tier: SimOptions["tier"],
): Readonly<Record<(typeof countedKeys)[number], readonly string[]>> {
  return {
    faults: possibleFaultsOf(tier),
    transitions: Object.entries(follows).flatMap(([from, next]) =>
      next.map((to) => transitionOf(from, to)),
    ),
    errors: errorTypes,
    failures: operationErrorKind.options,
  };
}

/** status.errorType, as upstream has it; "servicing error" is read and never written. */
const errorTypes: readonly string[] = [
  "registration error",
  "provisioned registration error",
  "inspection error",
  "preparation error",
  "provisioning error",
  "power management error",
];

function print(what: string, counts: Partial<Record<string, number>>): void {
  const entries = Object.entries(counts).toSorted(([, a = 0], [, b = 0]) => b - a);
  console.log(`  ${what}: ${entries.map(([key, count]) => `${key} ${count}`).join(", ")}`);
}

// Makes a failing scenario small while the same invariant breaks: cuts what comes after the violation, drops faults,
// machines, commands and images (ddmin over each list), then makes what is left plain. Bounded by a number of runs.
import type { Scenario } from "../workload/scenario.ts";
import { withKept } from "./kept-scenario.ts";

export interface ShrinkOptions {
  /** Whether it breaks the same invariant still. */
  readonly fails: (scenario: Scenario) => Promise<boolean>;
  /** At most so many runs. */
  readonly runs: number;
  /** When it was broken, ms from the start; undefined: at the end. */
  readonly brokenAtMs?: number | undefined;
}

const lists = ["faults", "machines", "commands", "images"] as const;

export async function shrinkScenario(
  scenario: Scenario,
  options: ShrinkOptions,
): Promise<Scenario> {
  let left = options.runs;
  const fails = async (candidate: Scenario): Promise<boolean> => {
    if (left <= 0) return false;
    left -= 1;
    return await options.fails(candidate);
  };
  let smallest = scenario;
  const attempt = async (candidate: Scenario): Promise<void> => {
    if (await fails(candidate)) smallest = candidate;
  };
  if (options.brokenAtMs !== undefined) await attempt(cutAfter(scenario, options.brokenAtMs));
  for (const key of lists) {
    const items = await fewest<unknown>(smallest[key], (kept) =>
      fails(withKept(smallest, key, kept)),
    );
    smallest = withKept(smallest, key, items);
  }
  for (const simplify of simplifications) {
    for (const candidate of simplify(smallest)) await attempt(candidate(smallest));
  }
  return smallest;
}

/** Nothing begins after it, and the faults' time ends soon after. */
function cutAfter(scenario: Scenario, brokenAtMs: number): Scenario {
  const isBefore = ({ atMs }: { readonly atMs: number }): boolean => atMs <= brokenAtMs;
  return {
    ...scenario,
    faultsMs: Math.min(scenario.faultsMs, brokenAtMs + 1_000),
    commands: scenario.commands.filter(isBefore),
    faults: scenario.faults.filter(isBefore),
  };
}

type Change = (scenario: Scenario) => Scenario;

/** Each gives changes that are tried one after the other on what is smallest by then. */
const simplifications: readonly ((scenario: Scenario) => readonly Change[])[] = [
  () => [
    (each) => ({ ...each, machines: each.machines.map((one) => ({ ...one, quirks: [] })) }),
    (each) => ({ ...each, sites: each.sites.map((one) => ({ ...one, skewMs: 0, driftPpm: 0 })) }),
    (each) => ({
      ...each,
      machines: each.machines.map((one) => ({ ...one, shuffledDisks: false })),
    }),
    withoutEmptySites,
    (each) => ({ ...each, instances: 1 }),
  ],
  // Shorter faults, and round times: a time line of them is read with ease.
  ({ faults }) =>
    faults.flatMap((_, at) => [
      (each: Scenario) =>
        withFault(each, at, ({ atMs, untilMs }) => ({
          untilMs: atMs + Math.ceil((untilMs - atMs) / 4),
        })),
      (each: Scenario) =>
        withFault(each, at, ({ atMs, untilMs }) => ({
          atMs: Math.round(atMs / 1_000) * 1_000,
          untilMs: Math.round(untilMs / 1_000) * 1_000,
        })),
    ]),
  ({ commands }) =>
    commands.map((_, at) => (each: Scenario) => ({
      ...each,
      commands: each.commands.map((one, place) =>
        place === at ? { ...one, atMs: Math.max(1, Math.round(one.atMs / 1_000) * 1_000) } : one,
      ),
    })),
];

function withFault(
  scenario: Scenario,
  at: number,
  change: (fault: Scenario["faults"][number]) => { atMs?: number; untilMs: number },
): Scenario {
  const faults = scenario.faults.map((fault, place) =>
    place === at ? { ...fault, ...change(fault) } : fault,
  );
  return { ...scenario, faults };
}

function withoutEmptySites(scenario: Scenario): Scenario {
  const used = new Set(scenario.machines.map(({ site }) => site));
  const sites = scenario.sites.filter(({ name }) => used.has(name));
  const clusters = scenario.clusters.map((cluster) =>
    cluster.site !== undefined && !used.has(cluster.site)
      ? { ...cluster, site: undefined }
      : cluster,
  );
  const isThere = (target: string): boolean =>
    used.has(target) || !scenario.sites.some(({ name }) => name === target);
  const faults = scenario.faults.filter(({ target }) => isThere(target));
  return { ...scenario, sites, clusters, faults };
}

/** ddmin: ever smaller pieces are left out for as long as it fails without them. */
async function fewest<T>(
  items: readonly T[],
  fails: (kept: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = items;
  for (let size = Math.ceil(kept.length / 2); size >= 1;) {
    let isSmaller = false;
    for (let at = 0; at < kept.length;) {
      const without = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await fails(without)) {
        kept = without;
        isSmaller = true;
      } else at += size;
    }
    if (size === 1 && !isSmaller) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return kept;
}

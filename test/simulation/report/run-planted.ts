// How well the judges see: plants bugs one at a time and counts the seeds until a judge speaks. A judge that speaks on
// the same seed without the bug has not found it.
import { bugNames, readBug, tierOf } from "../planted/planted-bug.ts";
import { possibleFaultsOf } from "../run/faults.ts";
import type { SimOptions } from "./options.ts";
import { shareOut } from "./share-out.ts";
import type { Outcome } from "./summary.ts";

export interface Search {
  readonly name: string;
  readonly why: string;
  readonly expected: readonly string[];
  /** Faults that it needs and that the world cannot do yet: it was not looked for. */
  readonly lacks: readonly string[];
  readonly tried: number;
  /** Undefined: nobody found it. */
  readonly found: { readonly seed: number; readonly problem: string } | undefined;
}

/** Ids of the invariants that spoke, "stuck" among them; a vacuous run says nothing. */
export function idsOf({ problems }: Pick<Outcome, "problems">): readonly string[] {
  return problems
    .map((problem) => /^\w+/.exec(problem)?.[0] ?? "")
    .filter((id) => id !== "vacuous");
}

/** Two bugs at a time, each in a worker of its own. Calls `onSearch` as each ends. */
export async function runPlanted(
  options: SimOptions,
  wanted: readonly string[],
  onSearch: (search: Search) => void,
): Promise<readonly Search[]> {
  const left = wanted.length === 0 ? [...bugNames()] : [...wanted];
  for (const name of left) readBug(name);
  const innocents = {
    memory: makeInnocent({ ...options, tier: "memory" }),
    pglite: makeInnocent({ ...options, tier: "pglite" }),
  };
  const searches: Search[] = [];
  const work = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const tier = tierOf(readBug(name));
      const search = await searchFor({ ...options, tier }, name, innocents[tier]);
      searches.push(search);
      onSearch(search);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, left.length) }, work));
  return searches;
}

type Innocent = (seed: number) => Promise<ReadonlySet<string>>;

/** Which invariants speak on a seed without any bug; each seed is played once. */
function makeInnocent(options: SimOptions): Innocent {
  const known = new Map<number, Promise<ReadonlySet<string>>>();
  const play = async (seed: number): Promise<ReadonlySet<string>> => {
    const ids = new Set<string>();
    await shareOut({ options: [options], seeds: [seed], jobs: 1 }, (outcome) => {
      for (const id of idsOf(outcome)) ids.add(id);
      return true;
    });
    return ids;
  };
  return (seed) => {
    const played = known.get(seed) ?? play(seed);
    known.set(seed, played);
    return played;
  };
}

async function searchFor(options: SimOptions, name: string, innocent: Innocent): Promise<Search> {
  const { why, breaks: expected, needs } = readBug(name);
  const possible = possibleFaultsOf(options.tier);
  const lacks = needs.filter((fault) => !possible.includes(fault));
  if (lacks.length > 0) return { name, why, expected, lacks, tried: 0, found: undefined };
  const last = options.from + options.seeds - 1;
  let found: Search["found"];
  let tried = 0;
  let from = options.from;
  while (found === undefined && from <= last) {
    const suspects: Outcome[] = [];
    const seeds = Array.from({ length: last - from + 1 }, (_, at) => from + at);
    await shareOut({ options: [options], bug: name, seeds, jobs: 1 }, (outcome) => {
      tried += 1;
      if (idsOf(outcome).length > 0) suspects.push(outcome);
      return suspects.length > 0;
    });
    const [suspect] = suspects;
    if (suspect === undefined) break;
    const usual = await innocent(suspect.seed);
    const at = idsOf(suspect).findIndex((id) => !usual.has(id));
    const problems = suspect.problems.filter((problem) => !problem.startsWith("vacuous"));
    if (at >= 0) found = { seed: suspect.seed, problem: problems[at] ?? "" };
    from = suspect.seed + 1;
  }
  return { name, why, expected, lacks, tried, found };
}

/** Two lines: what became of it, and what the bug is. */
export function describeSearch(search: Search): string {
  const { name, why, expected, lacks, tried, found } = search;
  if (lacks.length > 0)
    return `skip ${name}: the world cannot do ${lacks.join(", ")} yet\n       ${why}`;
  if (found === undefined) {
    return `MISS ${name}: not found in ${tried} seeds, expected ${expected.join(", ")}\n       ${why}`;
  }
  const id = /^\w+/.exec(found.problem)?.[0] ?? "";
  const other = expected.includes(id) ? "" : ` (expected ${expected.join(", ")})`;
  const text = found.problem.slice(0, 120);
  return `ok   ${name}: after ${tried} seeds by ${id}${other}: ${text} (seed ${found.seed})\n       ${why}`;
}

export function isMissed({ found, lacks }: Search): boolean {
  return found === undefined && lacks.length === 0;
}

/** The score, and how many seeds it took. */
export function describeScore(searches: readonly Search[]): string {
  const found = searches.filter((search) => search.found !== undefined);
  const tries = found.map(({ tried }) => tried).toSorted((a, b) => a - b);
  const median = tries[Math.floor(tries.length / 2)] ?? 0;
  const missed = searches.filter(isMissed);
  const skipped = searches.filter(({ lacks }) => lacks.length > 0);
  const names = missed.map(({ name }) => name).toSorted();
  return (
    `${found.length} of ${searches.length - skipped.length} planted bugs found, half of them within ${median} seeds, all within ${tries.at(-1) ?? 0}` +
    (names.length === 0 ? "" : `; missed: ${names.join(", ")}`) +
    (skipped.length === 0 ? "" : `; ${skipped.length} not looked for`)
  );
}

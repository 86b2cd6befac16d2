// The options of npm run sim.
import { parseArgs } from "node:util";
import type { Scenario } from "../workload/scenario.ts";

export interface SimOptions {
  readonly seeds: number;
  /** The first of them. */
  readonly from: number;
  /** Play this one alone. */
  readonly seed: number | undefined;
  /** Virtual seconds after which to stop. */
  readonly untilMs: number | undefined;
  readonly trace: boolean;
  readonly minutes: number;
  readonly hosts: number;
  readonly profile: "happy" | "single" | "swarm" | undefined;
  /** Play a large fleet of so many hosts. */
  readonly fleet: number | undefined;
  /** Of the control plane's database. */
  readonly tier: Scenario["tier"];
  readonly shrink: boolean;
  /** Files; empty: all of corpus/. Undefined: none. */
  readonly corpus: readonly string[] | undefined;
  /** Names; empty: all. Undefined: none. */
  readonly planted: readonly string[] | undefined;
  /** Play the crash matrix. */
  readonly matrix: boolean;
  readonly jobs: number;
}

const usage = `npm run sim -- [--seeds N] [--from N] [--hosts N] [--minutes N] [--profile happy|single|swarm]
                [--tier memory|pglite] [--jobs N]
npm run sim -- --seed N [--trace] [--until SECONDS] [--shrink]   plays one seed
npm run sim -- --corpus [FILE …]                                replays what once failed
npm run sim -- --fleet HOSTS                                    deploys a large fleet at once, and takes the time
npm run sim -- --matrix                                         kills each process at each step of each operation
npm run sim -- --planted [NAME …] [--seeds N]                   plants bugs and tells after how many seeds each is found`;

/** Throws with the way out. */
export function readOptions(args: readonly string[]): SimOptions {
  const { values, positionals } = parse(args);
  const { trace, shrink, corpus, planted, matrix, seed, until, fleet } = values;
  const problem = combinationProblem(values, positionals);
  if (problem !== undefined) throw new Error(`${problem}\n${usage}`);
  const untilSeconds = until === undefined ? undefined : numberOf("until", until, 1, 1_000_000);
  return {
    seeds: numberOf("seeds", values.seeds, 1, 1_000_000),
    from: numberOf("from", values.from, 0, 2 ** 31),
    seed: seed === undefined ? undefined : numberOf("seed", seed, 0, 2 ** 31),
    untilMs: untilSeconds === undefined ? undefined : untilSeconds * 1_000,
    minutes: numberOf("minutes", values.minutes, 1, 24 * 60),
    fleet: fleet === undefined ? undefined : numberOf("fleet", fleet, 1, 2_000),
    hosts: numberOf("hosts", values.hosts, 1, 240),
    jobs: numberOf("jobs", values.jobs, 1, 64),
    profile: oneOf("profile", values.profile, ["happy", "single", "swarm"]),
    tier: oneOf("tier", values.tier, ["memory", "pglite"]) ?? "memory",
    planted: planted ? positionals : undefined,
    matrix,
    trace,
    shrink,
    corpus: corpus ? positionals : undefined,
  };
}

type Values = ReturnType<typeof parse>["values"];

/** What goes with what; undefined: nothing is wrong. */
function combinationProblem(
  { trace, shrink, corpus, planted, matrix, seed, until, fleet }: Values,
  [name]: readonly string[],
): string | undefined {
  const modes = Object.entries({
    planted,
    corpus,
    matrix,
    seed: seed !== undefined,
    fleet: fleet !== undefined,
  });
  const chosen = modes.filter(([, isChosen]) => isChosen).map(([mode]) => `--${mode}`);
  if (chosen.length > 1) return `${chosen.join(" and ")} exclude each other; leave one of them out`;
  if (name !== undefined && !planted && !corpus) {
    return `What is "${name}" for? Names of bugs go with --planted, files with --corpus`;
  }
  const needsSeed = trace || shrink || until !== undefined;
  if (needsSeed && seed === undefined) return "--trace, --until and --shrink go with --seed N";
  return shrink && until !== undefined ? "--shrink plays to the end; leave --until out" : undefined;
}

function oneOf<T extends string>(
  name: string,
  text: string | undefined,
  choices: readonly T[],
): T | undefined {
  const choice = choices.find((each) => each === text);
  if (choice !== undefined || text === undefined) return choice;
  throw new Error(
    `--${name}: got "${text}"; want ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}\n${usage}`,
  );
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seeds: { type: "string", default: "20" },
        from: { type: "string", default: "1" },
        seed: { type: "string" },
        until: { type: "string" },
        trace: { type: "boolean", default: false },
        minutes: { type: "string", default: "12" },
        hosts: { type: "string", default: "6" },
        profile: { type: "string" },
        tier: { type: "string" },
        fleet: { type: "string" },
        shrink: { type: "boolean", default: false },
        corpus: { type: "boolean", default: false },
        planted: { type: "boolean", default: false },
        matrix: { type: "boolean", default: false },
        jobs: { type: "string", default: "2" },
      },
    });
  } catch (thrown) {
    throw new Error(`${thrown instanceof Error ? thrown.message : ""}\n${usage}`, {
      cause: thrown,
    });
  }
}

function numberOf(name: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= from && value <= to) return value;
  throw new Error(`--${name}: got "${text}"; want a whole number from ${from} to ${to}\n${usage}`);
}

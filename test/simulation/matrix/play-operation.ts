// One operation of a story, in all its cells: found in a run that nobody disturbs, then played one by one. Cells of
// one moment and victim are played once, however many steps share the moment.
import { runScenario } from "../run/run-scenario.ts";
import { moments, stepsOf } from "./find-steps.ts";
import type { MomentName, Step } from "./find-steps.ts";
import { noRamdisk, ramdiskIn } from "./not-possible.table.ts";
import type { NoRamdisk } from "./not-possible.table.ts";
import { playCell } from "./play-cell.ts";
import { scenarioOf, stories } from "./stories.table.ts";
import type { Story } from "./stories.table.ts";
import { victimNames } from "./victims.table.ts";
import type { VictimName } from "./victims.table.ts";
import { RunWatch } from "./watch-run.ts";
import type { Moment } from "./watch-run.ts";

export interface Place {
  readonly story: number;
  /** Place in the story's operations. */
  readonly operation: number;
  readonly share: Share;
}

/** Of every `of` runs the one numbered `at`, from 0. */
export interface Share {
  readonly of: number;
  readonly at: number;
}

export const everyRun: Share = { of: 1, at: 0 };

export interface Row {
  readonly step: string;
  readonly moment: MomentName;
  /** By victim. */
  readonly cells: Readonly<Record<VictimName, string>>;
}

export interface Played {
  readonly operation: string;
  readonly rows: readonly Row[];
  /** Runs: cells that share a moment are one. */
  readonly runs: number;
  readonly problems: readonly string[];
}

export function places(share: Share): readonly Place[] {
  return stories.flatMap(({ operations }, story) =>
    operations.map((_, operation) => ({ story, operation, share })),
  );
}

export async function playOperation({ story: at, operation, share }: Place): Promise<Played> {
  const story = stories[at];
  const about = story?.operations[operation];
  if (story === undefined || about === undefined) throw new Error("there is no such operation");
  const { steps, problems } = await look(story, operation);
  const cells = new Cells({ story, operation, share, times: ramdiskTimes(about.is, steps) });
  const rows: Row[] = [];
  for (const step of steps) {
    for (const moment of moments) {
      const entries: [VictimName, string][] = [];
      for (const victim of victimNames) {
        const name = `${about.is}: ${step.name}, ${moment}, ${victim}`;
        entries.push([victim, await cells.play(name, step.at[moment], victim)]);
      }
      const row = Object.fromEntries(entries) as Record<VictimName, string>;
      rows.push({ step: step.name, moment, cells: row });
    }
  }
  return {
    operation: about.is,
    rows,
    runs: cells.runs,
    problems: [...problems, ...cells.problems],
  };
}

/** The undisturbed run. */
async function look(
  story: Story,
  operation: number,
): Promise<{ readonly steps: readonly Step[]; readonly problems: readonly string[] }> {
  const watch = new RunWatch();
  const run = await runScenario(scenarioOf(story), { onlooker: watch });
  const span = watch.operations[story.before + operation];
  const problems = [
    ...run.violations.map(({ id, message }) => `undisturbed: ${id}: ${message}`),
    ...[...watch.unknown].map((call) => `acts.table.ts does not say what "${call}" is`),
  ];
  if (span === undefined) return { steps: [], problems: [...problems, "it was never ordered"] };
  return { steps: stepsOf(watch, span), problems };
}

interface About {
  readonly story: Story;
  readonly operation: number;
  readonly share: Share;
  readonly times: RamdiskTimes;
}

class Cells {
  runs = 0;
  readonly problems: string[] = [];
  readonly #played = new Map<string, string>();
  readonly #about: About;
  #different = 0;

  constructor(about: About) {
    this.#about = about;
  }

  async play(name: string, moment: Moment, victim: VictimName): Promise<string> {
    const why = victim === "ramdisk" ? whyNoRamdisk(this.#about.times, moment) : undefined;
    if (victim === "ramdisk" && (why === undefined) !== moment.isRamdiskUp) {
      this.problems.push(`${name}: not-possible.table.ts is wrong about the ramdisk`);
    }
    if (why !== undefined) return "n/a";
    const key = `${moment.number} ${victim}`;
    const known = this.#played.get(key);
    if (known !== undefined) return known;
    const { story, operation, share } = this.#about;
    this.#different += 1;
    if (this.#different % share.of !== share.at) return "not played";
    this.runs += 1;
    const { shown, problems } = await playCell({ story, operation, moment, victim });
    this.problems.push(...problems.map((problem) => `${name}: ${problem}`));
    const cell = problems.length === 0 ? shown : `${shown}!`;
    this.#played.set(key, cell);
    return cell;
  }
}

interface RamdiskTimes {
  readonly missing: readonly NoRamdisk[];
  readonly bootedAt: number;
  readonly leftAt: number;
  readonly offAt: number;
}

function ramdiskTimes(operation: string, steps: readonly Step[]): RamdiskTimes {
  const at = (name: string): number =>
    steps.find((step) => step.name === name)?.at["after act"].number ?? 0;
  return {
    missing: ramdiskIn[operation] ?? [],
    bootedAt: at("the ramdisk has booted"),
    leftAt: at("the ramdisk switches off"),
    offAt: at('the BMC takes "off"'),
  };
}

function whyNoRamdisk(
  { missing, bootedAt, leftAt, offAt }: RamdiskTimes,
  { number }: Moment,
): string | undefined {
  const isSo: Readonly<Record<NoRamdisk, boolean>> = {
    never: true,
    before: number < bootedAt,
    after: number >= leftAt,
    // A command is seen before it is obeyed.
    off: number > offAt,
  };
  const why = missing.find((reason) => isSo[reason]);
  return why === undefined ? undefined : noRamdisk[why];
}

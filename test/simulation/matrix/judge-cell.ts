// What a cell came to: its operation did its work once, or it said honestly that it could not and was ordered again
// under a new id. Judged by what ramdisks did, disks hold and databases committed.
import type { WorldEvent } from "../world/events.ts";
import { worksOf } from "./works.ts";
import type { Work } from "./works.ts";

export interface CellEnd {
  /** provisioning.state of the host, or "gone". */
  readonly state: string;
  /** As wanted, by its spec and status. */
  readonly isWanted: boolean;
  /** What the machine would boot from its disk; undefined: nothing. */
  readonly system: string | undefined;
  /** Every byte of the image lies where it must. */
  readonly holdsImage: boolean;
}

export interface CellRun {
  readonly trace: readonly WorldEvent[];
  readonly violations: readonly { readonly id: string; readonly message: string }[];
  readonly stuck: string | undefined;
  readonly end: CellEnd;
}

export interface Asked {
  /** Place of the operation among all of the host. */
  readonly place: number;
  /** As "clean", or "power off". */
  readonly work: string;
  readonly ends: string;
}

export interface Verdict {
  /** "once", or the kind of the failure that the operation ended with. */
  readonly shown: string;
  readonly problems: readonly string[];
}

/** What is done again after a failure fails no further time: nothing else goes wrong. */
const mostTries = 3;

export function verdictOf(asked: Asked, run: CellRun): Verdict {
  const works = worksOf(run.trace);
  const own = works.slice(asked.place).filter(({ work }) => work === asked.work);
  const [first] = own;
  const shown = first?.state === "succeeded" ? "once" : (first?.failure?.kind ?? "nothing");
  return {
    shown,
    problems: [
      ...(run.stuck === undefined ? [] : [`stuck: ${run.stuck}`]),
      ...run.violations.map(({ id, message }) => `${id}: ${message}`),
      ...endProblems(asked, run.end),
      ...works.flatMap(problemsOf),
      ...repeatProblems(own),
    ],
  };
}

function endProblems({ ends }: Asked, { state, isWanted, system, holdsImage }: CellEnd): string[] {
  const problems: string[] = [];
  if (state !== ends || !isWanted) problems.push(`the host ended ${state}, and not ${ends}`);
  if (ends === "provisioned" && !(holdsImage && system !== undefined))
    problems.push("the disk does not hold the image");
  if (ends !== "provisioned" && system !== undefined)
    problems.push(`the disk still holds ${system}`);
  return problems;
}

/** What must not be so of any operation. */
const wrongs: readonly (readonly [string, (work: Work) => boolean])[] = [
  ["never ended", ({ state, forgotten }) => !isEnded(state) && !forgotten],
  [
    "nobody took its outcome in",
    ({ state, consumed, forgotten }) => isEnded(state) && !consumed && !forgotten,
  ],
  ["was let go more than once", ({ goes }) => goes > 1],
  ["destroyed more than once", ({ done }) => done > 1],
  ["changed a disk", ({ work, changes }) => !destroys(work) && changes > 0],
  [
    "succeeded, and no ramdisk did it",
    ({ work, state, done }) => destroys(work) && state === "succeeded" && done !== 1,
  ],
  [
    "says that nothing was destroyed",
    ({ failure, changes }) => failure?.destroyed === false && changes > 0,
  ],
];

function problemsOf(work: Work): string[] {
  return wrongs
    .filter(([, isSo]) => isSo(work))
    .map(([text]) => `${work.work} ${work.id.slice(-3)}: ${text}`);
}

function isEnded(state: string): boolean {
  return state === "succeeded" || state === "failed";
}

function destroys(work: string): boolean {
  return work === "provision" || work === "clean";
}

/** Of the operation that was disturbed and those after it that are to do the same. */
function repeatProblems(own: readonly Work[]): string[] {
  const [first] = own;
  if (first === undefined) return ["it was never ordered"];
  if (own.length > mostTries) return [`it was ordered ${own.length} times`];
  const succeeded = own.filter(({ state }) => state === "succeeded").length;
  // What was switched before the crash need not be switched again.
  const isDone = succeeded === 0 && (first.work === "power on" || first.work === "power off");
  return succeeded === 1 || isDone ? [] : [`it was done ${succeeded} times`];
}

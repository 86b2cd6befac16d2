// What a cell came to: its operation did its work once, or it said honestly that it could not and was ordered again
// under a new id. Judged by what ramdisks did, disks hold and databases committed.
import type { WorldEvent } from "../world/events.ts";

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

interface Work {
  readonly id: string;
  readonly work: string;
  state: string;
  consumed: boolean;
  failure: { readonly kind: string; readonly destroyed: boolean } | undefined;
  goes: number;
  /** Steps that destroy, as the ramdisk reported them done. */
  done: number;
  changes: number;
}

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

function problemsOf({ id, work, state, consumed, failure, goes, done, changes }: Work): string[] {
  const problems: string[] = [];
  const say = (text: string): void => void problems.push(`${work} ${id.slice(-3)}: ${text}`);
  if (state !== "succeeded" && state !== "failed") say(`never ended, is ${state}`);
  else if (!consumed) say("nobody took its outcome in");
  if (goes > 1) say(`was let go ${goes} times`);
  if (done > 1) say(`destroyed ${done} times`);
  const destroys = work === "provision" || work === "clean";
  if (state === "succeeded" && destroys && done !== 1) say("succeeded, and no ramdisk did it");
  if (changes > 0 && !destroys) say("changed a disk");
  if (failure?.destroyed === false && changes > 0) say("says that nothing was destroyed");
  return problems;
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

function worksOf(trace: readonly WorldEvent[]): readonly Work[] {
  const works = new Map<string, Work>();
  let running: Work | undefined;
  for (const event of trace) {
    if (event.kind === "commit" && event.table === "operations") {
      if (event.after !== undefined) keep(works, event.key, event.after);
    } else if (event.kind === "ramdisk-message") {
      const about = works.get(event.operationId ?? "");
      if (event.type === "go") {
        running = about;
        if (about !== undefined) about.goes += 1;
      }
      const isDone = event.type === "done" && (event.step === "write" || event.step === "erase");
      if (isDone && about !== undefined) about.done += 1;
    } else if (event.kind === "disk" && running !== undefined) running.changes += 1;
    else if (event.kind === "running" && event.running !== "ramdisk") running = undefined;
  }
  return [...works.values()];
}

function keep(works: Map<string, Work>, id: string, row: Readonly<Record<string, unknown>>): void {
  const { kind, state, consumed, failure, operation } = row;
  const { payload } = operation as { readonly payload: { readonly want?: string } };
  const work = works.get(id) ?? {
    id,
    work: [String(kind), ...(payload.want === undefined ? [] : [payload.want])].join(" "),
    state: "",
    consumed: false,
    failure: undefined,
    goes: 0,
    done: 0,
    changes: 0,
  };
  work.state = String(state);
  work.consumed = consumed === true;
  work.failure = (failure ?? undefined) as Work["failure"];
  works.set(id, work);
}

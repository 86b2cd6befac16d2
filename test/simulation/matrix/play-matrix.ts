// The whole crash matrix, by several processes, and the table of it for people.
import { join } from "node:path";
import { forkWorkers } from "../report/fork-workers.ts";
import { noRamdisk, ramdiskIn } from "./not-possible.table.ts";
import { places } from "./play-operation.ts";
import type { Place, Played, Share } from "./play-operation.ts";
import { victimNames } from "./victims.table.ts";

const program = join(import.meta.dirname, "worker.ts");

/** Told as they come, in any order; returned in the order of the stories. */
export async function playMatrix(
  jobs: number,
  share: Share,
  onPlayed: (played: Played) => void = () => {},
): Promise<readonly Played[]> {
  const all: Played[] = [];
  await forkWorkers<Place, Played>({ program, tasks: places(share), jobs }, (played) => {
    all.push(played);
    onPlayed(played);
    return false;
  });
  return all;
}

const stepWidth = 46;
const width = 17;

export function describePlayed({ operation, rows, runs, problems }: Played): string {
  const head = ["".padEnd(stepWidth + width), ...victimNames.map((name) => name.padEnd(width))];
  const reasons = (ramdiskIn[operation] ?? []).map((reason) => noRamdisk[reason]);
  return [
    `${operation}: ${rows.length * victimNames.length} cells, ${runs} runs`,
    head.join("").trimEnd(),
    ...rows.map(({ step, moment, cells }) =>
      [
        step.padEnd(stepWidth),
        moment.padEnd(width),
        ...victimNames.map((name) => cells[name].padEnd(width)),
      ]
        .join("")
        .trimEnd(),
    ),
    ...(reasons.length === 0 ? [] : [`n/a: ${reasons.join("; ")}`]),
    ...problems.map((problem) => `FAIL ${problem.slice(0, 400)}`),
    "",
  ].join("\n");
}

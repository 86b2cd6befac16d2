// Who used the processor: seconds by program of this process and all that it started. On a machine that others share
// these tell more than the time on the wall.
import { readdir, readFile } from "node:fs/promises";

/** What the command line names → what it is called. The first that fits. */
const programs: readonly (readonly [RegExp, string])[] = [
  [/kube-apiserver/, "kube-apiserver"],
  [/\/etcd/, "etcd"],
  [/\/cluster-api/, "cluster-api core"],
  [/kube-controller-manager/, "kube-controller-manager"],
  [/^postgres|\/postgres/, "Postgres"],
  [/control-plane\/entry/, "control planes"],
  [/site-agent\/main/, "agent"],
  [/herd-program/, "machines"],
  [/vitest/, "the bench itself"],
];

const ticksPerSecond = 100;

export type ProcessorTimes = ReadonlyMap<string, number>;

/** Seconds since the start of each. */
export async function readProcessorTimes(): Promise<ProcessorTimes> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = new Map(
    (await Promise.all(names.map(readProcess))).flat().map((one) => [one.id, one]),
  );
  const isOurs = (id: number): boolean =>
    id === process.pid || (all.has(id) && isOurs(all.get(id)?.parent ?? 0));
  const times = new Map<string, number>();
  for (const { id, command, ticks } of all.values()) {
    const name = programs.find(([pattern]) => pattern.test(command))?.[1];
    if (name === undefined || !isOurs(id)) continue;
    times.set(name, (times.get(name) ?? 0) + ticks / ticksPerSecond);
  }
  return times;
}

interface Process {
  readonly id: number;
  readonly parent: number;
  readonly command: string;
  readonly ticks: number;
}

async function readProcess(name: string): Promise<Process[]> {
  try {
    const stat = await readFile(`/proc/${name}/stat`, "utf8");
    const command = (await readFile(`/proc/${name}/cmdline`, "utf8")).replaceAll("\0", " ");
    // After the name in brackets: state, parent …, user and system ticks (proc_pid_stat(5), fields 14 and 15).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    return [{ id: Number(name), parent: Number(fields[1]), command, ticks }];
  } catch {
    // It has ended.
    return [];
  }
}

/** "Postgres 3.1 s, agent 2.0 s", the largest first. */
export function showUsed(before: ProcessorTimes, after: ProcessorTimes): string {
  return [...after]
    .map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)] as const)
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`)
    .join(", ");
}

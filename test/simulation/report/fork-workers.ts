// Gives tasks to worker processes, one at a time to each, until all are done or somebody has enough.
import { fork } from "node:child_process";
import { join } from "node:path";

/** What one worker has compiled the next need not: a second of each start. */
const compiled = join(import.meta.dirname, "../../../.cache/compiled");

export interface Workers<Task> {
  /** File of the worker's program: it answers each message with one. */
  readonly program: string;
  readonly tasks: readonly Task[];
  readonly jobs: number;
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `onAnswer` is told what was asked, too, and returns true when it has enough. Throws when a worker ends before its work. */
export async function forkWorkers<Task extends object, Answer>(
  { program, tasks, jobs, execArgv = [], env = {} }: Workers<Task>,
  onAnswer: (answer: Answer, task: Task) => boolean,
): Promise<void> {
  const left = [...tasks];
  let enough = false;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(program, {
        execArgv: [...execArgv],
        env: { NODE_COMPILE_CACHE: compiled, ...process.env, ...env },
      });
      let task: Task | undefined;
      const give = (): void => {
        task = enough ? undefined : left.shift();
        if (task === undefined) child.disconnect();
        else child.send(task);
      };
      child.on("message", (answer: Answer) => {
        if (task !== undefined) enough ||= onAnswer(answer, task);
        give();
      });
      child.once("error", reject);
      child.once("exit", (code) => {
        if (code === 0) resolve();
        else reject(new Error(`a worker ended with ${code}; its last words are above`));
      });
      give();
    });
  await Promise.all(Array.from({ length: Math.min(jobs, left.length) }, work));
}

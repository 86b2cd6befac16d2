// What preparation tells the person who waits: one line per step, with how long it took and
// whether it came from the cache. A terminal shows the step that is under way live; anything else
// gets plain lines. It decides nothing and knows nothing about what the steps do.

export interface StepResult {
  /** True when nothing had to be made. */
  readonly fromCache?: boolean;
  /** A few words to add to the line, for example a size or a version. */
  readonly detail?: string;
}

/** One piece of work that somebody waits for. Ends with exactly one of `done` and `fail`. */
export interface ProgressStep {
  note(text: string): void;
  done(result?: StepResult): void;
  fail(message: string): void;
}

export interface Progress {
  step(title: string): ProgressStep;
}

/** The part of a `tty.WriteStream` that the printer needs. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Runs `work` as one step: `done` when it returns, `fail` with its message when it throws. */
export async function asStep<T>(
  progress: Progress,
  title: string,
  work: (step: ProgressStep) => Promise<T>,
): Promise<T> {
  const step = progress.step(title);
  try {
    const value = await work(step);
    step.done();
    return value;
  } catch (cause) {
    step.fail(firstLine(cause instanceof Error ? cause.message : String(cause)));
    throw cause;
  }
}

/** Says nothing; for callers that have nobody to tell. */
export const silentProgress: Progress = {
  step: () => ({ note: () => {}, done: () => {}, fail: () => {} }),
};

/** Prints to a terminal or, without one, plain lines. `now` is in milliseconds. */
export function terminalProgress(
  output: ProgressOutput = process.stdout,
  now: () => number = Date.now,
): Progress {
  return output.isTTY === true ? liveProgress(output, now) : plainProgress(output, now);
}

/** Seconds under a minute, else minutes and seconds: `0.4 s`, `12 s`, `3 min 05 s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 9_950) return `${(durationMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

const plainNoteEveryMs = 10_000;

// A log file wants few lines, but a build of minutes must not look hung: a note every 10 s.
function plainProgress(output: ProgressOutput, now: () => number): Progress {
  return {
    step(title) {
      const startedAt = now();
      let notedAt = -Infinity;
      return {
        note(text) {
          if (now() - notedAt < plainNoteEveryMs) return;
          notedAt = now();
          output.write(`     ${title}: ${text}\n`);
        },
        done: (result) => output.write(`${doneLine(title, now() - startedAt, result)}\n`),
        fail: (message) => output.write(`${failLine(title, now() - startedAt, message)}\n`),
      };
    },
  };
}

// One live line is enough: it shows the step that spoke last, and how many others are under way.
function liveProgress(output: ProgressOutput, now: () => number): Progress {
  const active = new Map<object, string>();
  const clear = "\r\u001B[2K";

  const redraw = (): void => {
    const last = [...active.values()].at(-1);
    if (last === undefined) return;
    const others = active.size > 1 ? ` (+${active.size - 1})` : "";
    const width = (output.columns ?? 80) - 1;
    output.write(clear + `…    ${last}${others}`.slice(0, width));
  };

  return {
    step(title) {
      const id = {};
      const startedAt = now();
      const show = (text: string): void => {
        active.delete(id);
        active.set(id, text);
        redraw();
      };
      const end = (line: string): void => {
        active.delete(id);
        output.write(`${clear}${line}\n`);
        redraw();
      };
      show(title);
      return {
        note: (text) => show(`${title}: ${text}`),
        done: (result) => end(doneLine(title, now() - startedAt, result)),
        fail: (message) => end(failLine(title, now() - startedAt, message)),
      };
    },
  };
}

function doneLine(title: string, durationMs: number, result: StepResult = {}): string {
  const facts = [
    ...(result.fromCache === true ? ["from the cache"] : []),
    ...(result.detail === undefined ? [] : [result.detail]),
    formatDuration(durationMs),
  ];
  return `ok   ${title} (${facts.join(", ")})`;
}

function failLine(title: string, durationMs: number, message: string): string {
  return `FAIL ${title} (${formatDuration(durationMs)}): ${firstLine(message)}`;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

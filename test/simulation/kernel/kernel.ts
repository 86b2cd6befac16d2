// Virtual time for a whole fleet in one process. One event at a time: it runs, then everything that can go on without
// the clock goes on, then the next. The order of events of one moment is drawn from the seed, so that seeds explore
// orders; the same seed always gives the same.
import { createHash } from "node:crypto";
import { Heap } from "./heap.ts";
import type { Due } from "./heap.ts";
import { makeRandom } from "./random.ts";
import type { Random } from "./random.ts";

export interface Timer {
  cancel(): void;
}

export interface Kernel {
  readonly random: Random;
  nowMs(): number;
  /** Events that have run. */
  readonly events: number;
  timer(ms: number, run: () => void): Timer;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A timer that comes before others of its moment, in the order of calls: a wire, a queue. */
  ordered(ms: number, run: () => void): Timer;
  /** What happened, for the hash of the run: two runs of one seed must note the same. */
  note(text: string): void;
  /** Of all that was noted so far, hex. */
  hash(): string;
  /** Runs events until the time, or until `isDone` says so. Throws `Stuck` on livelock. */
  run(untilMs: number, isDone?: () => boolean): Promise<void>;
  /** Runs events until the promise settles. Throws `Stuck` when nothing is due any more, or not in time. */
  until<T>(work: Promise<T>, withinMs?: number): Promise<T>;
  /** Proof of life of the fleet: resets the guard against livelock. */
  progress(): void;
}

/** The simulated fleet cannot go on: a bug of the product or of the simulator. */
export class Stuck extends Error {}

/** Events of one run without any sign of progress. */
const livelockEvents = 1_000_000;

export function makeKernel(seed: string, startMs: number): Kernel {
  const heap = new Heap();
  const random = makeRandom(seed);
  const draws = random.split("order of events");
  const digest = createHash("sha256");
  let pending: string[] = [];
  let nowMs = startMs;
  let sequence = 0;
  let events = 0;
  let progressAt = 0;

  function add(ms: number, draw: number, run: () => void): Timer {
    const atMs = nowMs + Math.max(0, Math.ceil(ms));
    sequence += 1;
    const due: Due = { atMs, draw, sequence, run, cancelled: false };
    heap.push(due);
    return {
      cancel: () => {
        due.cancelled = true;
      },
    };
  }

  function take(limitMs: number): Due | undefined {
    for (let due = heap.peek(); due !== undefined; due = heap.peek()) {
      if (due.cancelled) heap.pop();
      else return due.atMs <= limitMs ? heap.pop() : undefined;
    }
    return undefined;
  }

  function fire(due: Due): void {
    nowMs = due.atMs;
    events += 1;
    if (events - progressAt > livelockEvents) {
      throw new Stuck(`${livelockEvents} events without progress until ${nowMs}`);
    }
    due.run();
  }

  /** False: nothing is due in time any more. */
  function play(limitMs: number, isDone: () => boolean): Promise<boolean> {
    return turns(() => {
      if (isDone()) return true;
      const due = take(limitMs);
      if (due === undefined) return false;
      fire(due);
      return undefined;
    });
  }

  function flush(): void {
    digest.update(pending.join("\n"));
    pending = [];
  }

  const kernel: Kernel = {
    random,
    nowMs: () => nowMs,
    get events() {
      return events;
    },
    timer: (ms, run) => add(ms, draws.next(), run),
    ordered: (ms, run) => add(ms, 0, run),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const due = add(ms, draws.next(), () => {
          signal?.removeEventListener("abort", end);
          resolve();
        });
        const end = (): void => {
          due.cancel();
          resolve();
        };
        signal?.addEventListener("abort", end, { once: true });
      }),
    note(text) {
      pending.push(`${nowMs} ${text}`);
      if (pending.length >= 256) flush();
    },
    hash() {
      flush();
      return digest.copy().digest("hex");
    },
    async run(untilMs, isDone = () => false) {
      if (!(await play(untilMs, isDone))) nowMs = Math.max(nowMs, untilMs);
    },
    async until(work, withinMs = Infinity) {
      let done = false;
      const end = (): void => {
        done = true;
      };
      work.then(end, end);
      if (await play(nowMs + withinMs, () => done)) return await work;
      const why = withinMs === Infinity ? "nothing is due any more" : `after ${withinMs} ms`;
      throw new Stuck(`what was waited for has not come: ${why}`);
    },
    progress() {
      progressAt = events;
    },
  };
  return kernel;
}

const { setImmediate } = globalThis;

/** Of the event loop, at once: each asks the system for news, which no simulation has. */
const batch = 32;

/**
 * Calls `step` until it answers something. Before each call everything that can settle without the clock has settled:
 * between two immediates of one turn, too, all microtasks run.
 */
function turns<T>(step: () => T | undefined): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let isOver = false;
  const end = (settle: () => void): void => {
    isOver = true;
    settle();
  };
  const once = (): void => {
    if (isOver) return;
    try {
      const answer = step();
      if (answer !== undefined) end(() => resolve(answer));
    } catch (thrown) {
      end(() => reject(thrown as Error));
    }
  };
  const again = (): void => {
    once();
    if (isOver) return;
    for (let left = batch; left > 1; left -= 1) setImmediate(once);
    setImmediate(again);
  };
  setImmediate(again);
  return promise;
}

// A clock that stands still until somebody moves it: the agent's code and a simulated BMC run hours in
// milliseconds, and always in the same order.
import type { Clock, Timer } from "../../../site-agent/ports.ts";

export interface VirtualClock extends Clock {
  /** Runs all that is due within `ms`, in order. */
  advance(ms: number): Promise<void>;
  /** Moves from timer to timer until `work` is done; throws when nothing is left that could end it. */
  until<T>(work: Promise<T>): Promise<T>;
}

interface Due {
  readonly atMs: number;
  readonly run: () => void;
}

/** `allQuiet` resolves when everything that can go on without the clock has done so. */
export function makeVirtualClock(startMs = 1_000_000, allQuiet = oneTurn): VirtualClock {
  let nowMs = startMs;
  const timers = new Set<Due>();

  function timer(ms: number, run: () => void): Timer {
    const due = { atMs: nowMs + Math.max(ms, 0), run };
    timers.add(due);
    return { cancel: () => void timers.delete(due) };
  }

  function takeNext(limitMs: number): Due | undefined {
    const [next] = [...timers].toSorted((a, b) => a.atMs - b.atMs);
    if (next === undefined || next.atMs > limitMs) return undefined;
    timers.delete(next);
    return next;
  }

  async function fire(due: Due): Promise<void> {
    nowMs = due.atMs;
    due.run();
    await allQuiet();
  }

  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    timer,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const due = timer(ms, resolve);
        signal?.addEventListener("abort", () => {
          due.cancel();
          resolve();
        });
      }),
    async advance(ms) {
      const endMs = nowMs + ms;
      await allQuiet();
      for (let due = takeNext(endMs); due !== undefined; due = takeNext(endMs)) await fire(due);
      nowMs = endMs;
    },
    async until(work) {
      let done = false;
      const end = (): void => {
        done = true;
      };
      work.then(end, end);
      await allQuiet();
      while (!done) {
        const due = takeNext(Infinity);
        if (due === undefined) throw new Error("Nothing is due, and the work is not done");
        await fire(due);
      }
      return work;
    },
  };
}

/** All promises that can settle without a timer or another thread have settled. */
function oneTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

// A clock that tests move. Timers run in order of their time when it passes.
import type { Clock } from "../../../control-plane/ports.ts";

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

export function makeManualClock(startMs = Date.parse("2026-11-01T12:00:00Z")): ManualClock {
  let nowMs = startMs;
  let timers: { readonly atMs: number; readonly run: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    timer(ms, run) {
      const timer = { atMs: nowMs + ms, run };
      timers.push(timer);
      return {
        cancel() {
          timers = timers.filter((each) => each !== timer);
        },
      };
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const due = timers
          .filter(({ atMs }) => atMs <= endMs)
          .toSorted((left, right) => left.atMs - right.atMs)[0];
        if (due === undefined) break;
        timers = timers.filter((each) => each !== due);
        nowMs = due.atMs;
        due.run();
      }
      nowMs = endMs;
    },
  };
}

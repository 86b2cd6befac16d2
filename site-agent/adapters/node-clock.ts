// The Clock port on Node.
import type { Clock, Timer } from "../ports.ts";

// Above this, Node's timers fire at once.
const longestTimerMs = 2 ** 31 - 1;

export function makeNodeClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    sleep(ms, signal) {
      return new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const end = (): void => {
          timer.cancel();
          signal?.removeEventListener("abort", end);
          resolve();
        };
        const timer = startTimer(ms, end);
        signal?.addEventListener("abort", end, { once: true });
      });
    },
    timer: startTimer,
  };
}

function startTimer(ms: number, run: () => void): Timer {
  let leftMs = ms;
  let timeout: NodeJS.Timeout;
  const arm = (): void => {
    const stepMs = Math.min(Math.max(leftMs, 0), longestTimerMs);
    leftMs -= stepMs;
    timeout = setTimeout(() => (leftMs > 0 ? arm() : run()), stepMs);
  };
  arm();
  return { cancel: () => clearTimeout(timeout) };
}

import { describe, expect, it } from "vitest";
import { makeNodeClock } from "./node-clock.ts";

const clock = makeNodeClock();

describe("Node's clock", () => {
  it("tells the time in epoch milliseconds and never goes back", () => {
    expect(Math.abs(clock.nowMs() - Date.now())).toBeLessThan(1000);
    const first = clock.monotonicMs();
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(first);
  });

  it("sleeps at least as long as asked", async () => {
    const startMs = clock.monotonicMs();
    await clock.sleep(20);
    // Node's timers may fire a fraction of a millisecond early.
    expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(19);
  });

  it("ends a sleep at once when the signal aborts", async () => {
    const stop = new AbortController();
    const sleeping = clock.sleep(3_600_000, stop.signal);
    stop.abort();
    await sleeping;
    await clock.sleep(3_600_000, stop.signal);
  });

  it("runs a timer, and not one that was cancelled", async () => {
    const ran: string[] = [];
    clock.timer(1, () => ran.push("cancelled")).cancel();
    await new Promise<void>((resolve) => {
      clock.timer(2, () => {
        ran.push("kept");
        resolve();
      });
    });
    expect(ran).toEqual(["kept"]);
  });

  it("does not fire at once when asked for more than Node's timers can hold", async () => {
    let fired = false;
    const timer = clock.timer(2 ** 31 + 1000, () => {
      fired = true;
    });
    await clock.sleep(5);
    timer.cancel();
    expect(fired).toBe(false);
  });
});

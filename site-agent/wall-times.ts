// Times that must outlive the agent are kept as the wall clock's, and used as the monotonic clock's: a wall clock that
// was set back since must not shorten a wait, nor one that was set ahead lengthen it beyond its window.
import type { Clock } from "./ports.ts";

export type Clocks = Pick<Clock, "nowMs" | "monotonicMs">;

/** Epoch milliseconds of a monotonic time of this life. */
export function toWall(clock: Clocks, monotonicMs: number): number {
  return Math.round(clock.nowMs() - clock.monotonicMs() + monotonicMs);
}

/** The monotonic time of this life; not later than now, nor earlier than the window reaches back. */
export function fromWall(clock: Clocks, wallMs: number, windowMs: number): number {
  return clock.monotonicMs() - Math.min(Math.max(clock.nowMs() - wallMs, 0), windowMs);
}

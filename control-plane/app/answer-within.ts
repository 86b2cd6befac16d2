// The answer to a question that somebody waits for only so long.
import type { Clock } from "../ports.ts";

/** "late": it did not come in time, and nobody listens any more. Rejects as the question does, if it does so in time. */
export async function answerWithin<T>(
  clock: Clock,
  ms: number,
  answer: Promise<T>,
): Promise<T | "late"> {
  const late = Promise.withResolvers<"late">();
  const timer = clock.timer(ms, () => late.resolve("late"));
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    timer.cancel();
  }
}

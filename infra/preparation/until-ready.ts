// Waits until a program that was started beside us works, or has ended.

import { setTimeout as sleep } from "node:timers/promises";
import type { BackgroundProgram } from "./background-program.ts";

const timeoutMs = 60_000;

/** Throws when the program is gone, with the end of its log, or takes too long. */
export async function untilReady(
  program: BackgroundProgram,
  check: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check())) {
    const failure = program.failure();
    if (failure !== undefined) throw new Error(failure);
    if (performance.now() > deadline) {
      throw new Error(`${program.name} is not ready after ${timeoutMs / 1000} s; see its log`);
    }
    await sleep(50);
  }
}

// The wall clock, without what it was set ahead or back while an agent ran: what is kept over a restart is measured by
// it. Only what happens to the wall clock between two lives of the agent is believed.
import { z } from "zod";
import type { AgentDatabase, Clock } from "../../ports.ts";
import type { Clocks } from "../../wall-times.ts";
import { noteSetting, readSetting, writeSetting } from "../database.ts";

export interface SteadyClock extends Clocks {
  /** Remembers where both clocks stand. */
  keep(): void;
}

const settingKey = "steady-clock";
const kept = z.object({ wallMs: z.number(), steadyMs: z.number() });
const keepEveryMs = 5_000;
/** By more than this a wall clock was set; less is drift. */
const settledMs = 1_000;

export function makeSteadyClock(database: AgentDatabase, clock: Clock): SteadyClock {
  const offsetMs = beganAtMs(database, clock) - clock.monotonicMs();
  const nowMs = (): number => Math.round(offsetMs + clock.monotonicMs());
  let aheadMs: number | undefined;
  return {
    nowMs,
    monotonicMs: () => clock.monotonicMs(),
    keep() {
      const stand = { wallMs: clock.nowMs(), steadyMs: nowMs() };
      const before = aheadMs;
      aheadMs = stand.wallMs - stand.steadyMs;
      // A note may be lost with the power: where the wall clock was set meanwhile, the next life would believe it.
      const wasSet = before === undefined || Math.abs(aheadMs - before) > settledMs;
      (wasSet ? writeSetting : noteSetting)(database, settingKey, JSON.stringify(stand));
    },
  };
}

function beganAtMs(database: AgentDatabase, clock: Clock): number {
  const text = readSetting(database, settingKey);
  if (text === undefined) return clock.nowMs();
  try {
    const { wallMs, steadyMs } = kept.parse(JSON.parse(text));
    return steadyMs + Math.max(0, clock.nowMs() - wallMs);
  } catch {
    return clock.nowMs();
  }
}

/** Runs until the signal aborts. */
export async function keepSteady(
  steady: SteadyClock,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    steady.keep();
    await clock.sleep(keepEveryMs, signal);
  }
}

// The wall clock, without what it was set ahead or back: what is kept over a restart is measured by it. Only where the
// machine itself was started anew between two lives of the agent is the wall clock believed for the time between them.
import { z } from "zod";
import type { AgentDatabase, Clock, MachineBoot } from "../../ports.ts";
import type { Clocks } from "../../wall-times.ts";
import { noteSetting, readSetting, writeSetting } from "../database.ts";

export interface SteadyClock extends Clocks {
  /** Remembers where both clocks stand. */
  keep(): void;
}

const settingKey = "steady-clock";
const kept = z.object({
  wallMs: z.number(),
  steadyMs: z.number(),
  boot: z.object({ id: z.string(), sinceMs: z.number() }).optional(),
});
const keepEveryMs = 5_000;
/** By more than this a wall clock was set; less is drift. */
const settledMs = 1_000;

/** `boot`: undefined where the system does not tell. */
export function makeSteadyClock(
  database: AgentDatabase,
  clock: Clock,
  boot: MachineBoot | undefined,
): SteadyClock {
  const offsetMs = beganAtMs(database, clock, boot) - clock.monotonicMs();
  const nowMs = (): number => Math.round(offsetMs + clock.monotonicMs());
  let aheadMs: number | undefined;
  return {
    nowMs,
    monotonicMs: () => clock.monotonicMs(),
    keep() {
      const stand: z.infer<typeof kept> = {
        wallMs: clock.nowMs(),
        steadyMs: nowMs(),
        ...(boot === undefined ? {} : { boot: { id: boot.id, sinceMs: boot.sinceMs() } }),
      };
      const before = aheadMs;
      aheadMs = stand.wallMs - stand.steadyMs;
      // A note may be lost with the power: where the wall clock was set meanwhile, the next life would believe it.
      const wasSet = before === undefined || Math.abs(aheadMs - before) > settledMs;
      (wasSet ? writeSetting : noteSetting)(database, settingKey, JSON.stringify(stand));
    },
  };
}

function beganAtMs(database: AgentDatabase, clock: Clock, boot: MachineBoot | undefined): number {
  const text = readSetting(database, settingKey);
  if (text === undefined) return clock.nowMs();
  try {
    const last = kept.parse(JSON.parse(text));
    const passedMs =
      boot !== undefined && boot.id === last.boot?.id
        ? boot.sinceMs() - last.boot.sinceMs
        : clock.nowMs() - last.wallMs;
    return last.steadyMs + Math.max(0, passedMs);
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

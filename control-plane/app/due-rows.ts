// Finds hosts and machines whose time has come, and those whose decision died with another instance.
import type { AdminStore, Clock, HostStore, Log, Timer } from "../ports.ts";
import type { DecisionQueue } from "./decision-queue.ts";

const batch = 50;
/** A taker that dies costs its rows this much. */
const leaseMs = 10_000;
const everyMs = 1_000;
const pruneEveryMs = 3_600_000;

export interface DueDeps {
  readonly store: Pick<HostStore, "takeDue"> & Pick<AdminStore, "prune">;
  readonly decisions: DecisionQueue;
  readonly machineDecisions: DecisionQueue;
  readonly clock: Clock;
  readonly log: Log;
}

/** Decides about everything that is due now; the number of rows that were. */
export async function sweepDueRows({
  store,
  decisions,
  machineDecisions,
}: DueDeps): Promise<number> {
  let taken = 0;
  for (;;) {
    const { hosts, machines } = await store.takeDue(leaseMs, batch);
    taken += hosts.length + machines.length;
    await Promise.all([decisions.decide(hosts), machineDecisions.decide(machines)]);
    if (Math.max(hosts.length, machines.length) < batch) return taken;
  }
}

/** Sweeps every second, and prunes every hour, until stopped. A failing database is logged once until it is back. */
export function startDueTimer(deps: DueDeps): { stop(): void } {
  let timer: Timer | undefined;
  let stopped = false;
  let failing = false;
  let prunedAtMs = deps.clock.nowMs();
  const tick = async () => {
    try {
      await sweepDueRows(deps);
      if (deps.clock.nowMs() - prunedAtMs >= pruneEveryMs) {
        prunedAtMs = deps.clock.nowMs();
        await deps.store.prune();
      }
      failing = false;
    } catch (thrown) {
      if (!failing) deps.log.error("due rows not read", { reason: String(thrown) });
      failing = true;
    }
    if (!stopped) timer = deps.clock.timer(everyMs, () => void tick());
  };
  timer = deps.clock.timer(everyMs, () => void tick());
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}

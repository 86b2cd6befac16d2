// Tells the control plane of machines that asked to boot and are nobody's host: each once an hour. Anybody on the
// segment can make up addresses: of many at once only some are told.
import type { Observations } from "../link/observations.ts";
import type { Netboot } from "../netboot/port.ts";
import type { Clock, Log } from "../ports.ts";

const everyMs = 10_000;
const againAfterMs = 3_600_000;
/** In one round, and remembered. */
const maxTold = 10;
const maxRemembered = 1_000;

/** Runs until the signal aborts. */
export async function reportStrangers(
  deps: { netboot: Pick<Netboot, "strangers">; clock: Clock; log: Log; observations: Observations },
  signal: AbortSignal,
): Promise<void> {
  const told = new Map<string, number>();
  while (!signal.aborted) {
    try {
      report(deps, told);
    } catch (thrown) {
      deps.log.error("strangers not reported", { reason: String(thrown) });
    }
    await deps.clock.sleep(everyMs, signal);
  }
}

function report(
  { netboot, clock, observations }: Parameters<typeof reportStrangers>[0],
  told: Map<string, number>,
): void {
  const now = clock.monotonicMs();
  for (const [mac, atMs] of told) if (now - atMs >= againAfterMs) told.delete(mac);
  const strangers = netboot.strangers(clock.nowMs() - 2 * everyMs);
  const fresh = strangers.filter((mac) => !told.has(mac));
  for (const mac of fresh.slice(0, Math.min(maxTold, maxRemembered - told.size))) {
    observations.add({ kind: "stranger", mac });
    told.set(mac, now);
  }
}

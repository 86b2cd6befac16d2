// Tells the control plane of machines that asked to boot and are nobody's host: each once an hour.
import type { Observations } from "../link/observations.ts";
import type { Netboot } from "../netboot/port.ts";
import type { Clock } from "../ports.ts";

const everyMs = 10_000;
const againAfterMs = 3_600_000;

export async function reportStrangers(
  deps: { netboot: Netboot; clock: Clock; observations: Observations },
  signal: AbortSignal,
): Promise<void> {
  const told = new Map<string, number>();
  while (!signal.aborted) {
    const now = deps.clock.nowMs();
    for (const mac of deps.netboot.strangers(now - 2 * everyMs)) {
      if (now - (told.get(mac) ?? 0) < againAfterMs) continue;
      told.set(mac, now);
      deps.observations.add({ kind: "stranger", mac });
    }
    await deps.clock.sleep(everyMs, signal);
  }
}

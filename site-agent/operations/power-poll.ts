// Looks at each host's power every few seconds and reports changes, so that the control plane sees a power
// button within seconds and never polls a BMC itself. Rests while an operation works on the host.
import type { HostDocument } from "../../shared/protocol/host-document.ts";
import type { Documents } from "../link/documents.ts";
import type { Observations } from "../link/observations.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { OperationError, type Site } from "./operation-context.ts";
import { openBmc, readPower } from "./steps/power-control.ts";

const everyMs = 10_000;

interface Seen {
  readonly on: boolean | undefined;
  readonly problem: string | undefined;
}

export interface PowerPollDeps {
  readonly site: Site;
  readonly documents: Documents;
  readonly dispatcher: Dispatcher;
  readonly observations: Observations;
}

/** Runs until the signal aborts. Hosts are asked side by side: one hung BMC costs nobody else anything. */
export async function runPowerPoll(deps: PowerPollDeps, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, Seen>();
  const asking = new Set<string>();
  while (!signal.aborted) {
    for (const document of deps.documents.all()) {
      const { hostUid, spec } = document;
      const quiet = spec.hold.paused || spec.hold.detached || spec.credentials === undefined;
      if (quiet || asking.has(hostUid) || deps.dispatcher.isBusy(hostUid)) continue;
      asking.add(hostUid);
      void poll(deps, document, seen).finally(() => asking.delete(hostUid));
    }
    await deps.site.clock.sleep(everyMs, signal);
  }
}

async function poll(
  deps: PowerPollDeps,
  document: HostDocument,
  seen: Map<string, Seen>,
): Promise<void> {
  const { hostUid } = document;
  const before = seen.get(hostUid);
  const now = await look(deps.site, document);
  if (deps.dispatcher.isBusy(hostUid)) return;
  seen.set(hostUid, now);
  if (now.on !== undefined && now.on !== before?.on) {
    deps.observations.add({ kind: "power", hostUid, on: now.on });
  }
  if (now.problem !== before?.problem) {
    deps.observations.add({
      kind: "bmc",
      hostUid,
      ...(now.problem === undefined ? {} : { problem: now.problem }),
    });
  }
}

async function look(site: Site, document: HostDocument): Promise<Seen> {
  try {
    return { on: await readPower(await openBmc({ site, document })), problem: undefined };
  } catch (error) {
    if (error instanceof OperationError) return { on: undefined, problem: error.message };
    throw error;
  }
}

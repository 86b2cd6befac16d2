// When a watch that has just begun has brought all that had changed before. Where nothing changes no event tells so, and
// a bookmark may take a minute: the watch has come up to where the server stood, or has been silent since.
import { z } from "zod";
import type { Clock } from "../../ports.ts";
import { paths } from "../follow-deps.ts";
import type { KubernetesApi } from "../port.ts";
import type { WaitingEvents } from "./waiting-events.ts";

const list = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) });

/** A server sends what it has when a watch begins, without a pause. */
const silentMs = 1_000;

export interface CatchUpDeps {
  readonly api: KubernetesApi;
  readonly clock: Clock;
}

/** Runs beside a watch, until all has arrived among its events. */
export async function catchUp(
  deps: CatchUpDeps,
  events: Pick<WaitingEvents, "allArrived" | "count" | "newest">,
  signal: AbortSignal,
): Promise<void> {
  let present: bigint | undefined;
  while (!signal.aborted) {
    present ??= await presentVersion(deps);
    const { count } = events;
    await deps.clock.sleep(silentMs, signal);
    if (signal.aborted || present === undefined) continue;
    if (count === events.count || events.newest >= present) return events.allArrived();
  }
}

/** Where the server stands: it counts the versions of all resources together, and there is always a namespace. */
async function presentVersion({ api }: CatchUpDeps): Promise<bigint | undefined> {
  const answer = await api.request({ method: "GET", path: `${paths.namespaces}?limit=1` });
  if (!answer.ok || answer.value.status !== 200) return undefined;
  return BigInt(list.parse(answer.value.body).metadata.resourceVersion);
}

// Looks at each host's power every few seconds and reports changes, so that the control plane sees a power
// button within seconds and never polls a BMC itself. Never acts. Rests while an operation works on the host, until this
// process had a session, while another process has this agent's identity, and while a host may be gone.
import type { HostDocument } from "../../shared/protocol/host-document.ts";
import type { Documents } from "../link/documents.ts";
import type { Lease } from "../link/lease.ts";
import type { Observations } from "../link/observations.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Bmc, SendFence } from "../bmc/port.ts";
import { OperationError, type Site } from "./operation-context.ts";
import { openBmc } from "./steps/open-bmc.ts";
import { shownPower } from "./steps/power-control.ts";

const everyMs = 10_000;
const untilSessionMs = 1_000;
const maxProblem = 1_024;

const neverActs: SendFence = () => ({ kind: "fenced", message: "Whoever looks changes nothing." });

interface Seen {
  readonly on: boolean | undefined;
  readonly problem: string | undefined;
  /** Operations that had ended: after the next one what was seen is old. */
  readonly endedCount: number;
}

/** Kept as long as the site has the same sealed credentials: most looks find nothing new. */
interface Opened {
  readonly sealed: string;
  readonly bmc: Bmc;
}

/** Of one host. */
interface Known {
  seen?: Seen;
  opened?: Opened;
}

export interface PowerPollDeps {
  readonly site: Site;
  readonly documents: Documents;
  readonly dispatcher: Pick<Dispatcher, "isBusy" | "ends">;
  readonly observations: Observations;
  readonly lease: Pick<Lease, "mayLook">;
  /** Hosts that may be gone: the credentials that the site has may be older than those of whose machine it is now. */
  readonly unconfirmed: ReadonlySet<string>;
}

/** Runs until the signal aborts. Hosts are asked side by side: one hung BMC costs nobody else anything. */
export async function runPowerPoll(deps: PowerPollDeps, signal: AbortSignal): Promise<void> {
  const known = new Map<string, Known>();
  const asking = new Set<string>();
  while (!signal.aborted) {
    const mayLook = deps.lease.mayLook();
    const documents = mayLook ? deps.documents.all().filter((each) => mayAsk(deps, each)) : [];
    const present = new Set(documents.map(({ hostUid }) => hostUid));
    for (const hostUid of known.keys()) if (!present.has(hostUid)) known.delete(hostUid);
    for (const document of documents) {
      const { hostUid } = document;
      if (asking.has(hostUid) || deps.dispatcher.isBusy(hostUid)) continue;
      asking.add(hostUid);
      const own = known.get(hostUid) ?? {};
      known.set(hostUid, own);
      void poll(deps, document, own).finally(() => asking.delete(hostUid));
    }
    await deps.site.clock.sleep(mayLook ? everyMs : untilSessionMs, signal);
  }
}

function mayAsk({ unconfirmed }: PowerPollDeps, { hostUid, spec }: HostDocument): boolean {
  const { hold, credentials } = spec;
  const isHeld = hold.paused || hold.detached;
  return !isHeld && credentials !== undefined && !unconfirmed.has(hostUid);
}

/** Never rejects. */
async function poll(deps: PowerPollDeps, document: HostDocument, known: Known): Promise<void> {
  const { hostUid } = document;
  try {
    const { count: endedCount, bmcProblem } = deps.dispatcher.ends(hostUid);
    const now = { ...(await look(deps.site, document, known)), endedCount };
    // An operation that worked meanwhile knows better, and so does a process that took over.
    const isOld = deps.dispatcher.ends(hostUid).count !== endedCount || !deps.lease.mayLook();
    if (isOld || deps.dispatcher.isBusy(hostUid)) return;
    const last = known.seen;
    const before =
      last?.endedCount === endedCount
        ? last
        : { on: undefined, problem: bmcProblem ?? last?.problem, endedCount };
    tell(deps.observations, hostUid, before, now);
    known.seen = now;
  } catch (thrown) {
    deps.site.log.error("power poll broke", { host: hostUid, reason: String(thrown) });
  }
}

function tell(
  observations: Observations,
  hostUid: string,
  before: Seen,
  { on, problem }: Seen,
): void {
  if (on !== undefined && on !== before.on) observations.add({ kind: "power", hostUid, on });
  if (problem !== before.problem) {
    observations.add({ kind: "bmc", hostUid, ...(problem === undefined ? {} : { problem }) });
  }
}

async function look(
  site: Site,
  document: HostDocument,
  known: Known,
): Promise<Omit<Seen, "endedCount">> {
  try {
    return { on: await shownPower(await bmcOf(site, document, known)), problem: undefined };
  } catch (thrown) {
    if (!(thrown instanceof OperationError)) throw thrown;
    return { on: undefined, problem: thrown.message.slice(0, maxProblem) };
  }
}

async function bmcOf(site: Site, document: HostDocument, known: Known): Promise<Bmc> {
  const { bmcAddress, credentials } = document.spec;
  const sealed = JSON.stringify([bmcAddress, credentials]);
  if (known.opened?.sealed === sealed) return known.opened.bmc;
  delete known.opened;
  const bmc = await openBmc({ site, document, sendFence: neverActs });
  known.opened = { sealed, bmc };
  return bmc;
}

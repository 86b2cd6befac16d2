// The context of one operation that begins: its progress thinned out, and how far it has gone. The point of no
// return is in the journal before anybody hears of it.
import type { HostDocument } from "../../shared/protocol/host-document.ts";
import type { Progress } from "../../shared/protocol/ramdisk.ts";
import type { Documents } from "../link/documents.ts";
import type { Received } from "../link/fences.ts";
import type { Journal } from "../link/journal.ts";
import type { Observations } from "../link/observations.ts";
import { givenUp, leftAlone, type Context, type Depth, type Site } from "./operation-context.ts";

const progressEveryMs = 500;

export interface ContextDeps {
  readonly site: Site;
  readonly documents: Documents;
  readonly journal: Journal;
  readonly observations: Observations;
}

export function makeContext(
  deps: ContextDeps,
  run: {
    readonly received: Received;
    readonly document: HostDocument;
    readonly signal: AbortSignal;
  },
): Context {
  const { site, documents, journal } = deps;
  const { operation } = run.received;
  const startedAtMs = site.clock.monotonicMs();
  const newest = () => documents.get(operation.hostUid);
  let depth: Depth = "fresh";
  return {
    ...run,
    operation,
    site,
    report: thinned(deps, run.received),
    depth: () => depth,
    sendFence() {
      // Past the point of no return the work is finished, whoever gave it up.
      if (depth === "destroying") return undefined;
      if (run.signal.aborted) return { kind: "cancelled", message: givenUp };
      const { fences } = site;
      const refusal =
        depth === "cut" ? fences.mayGoOn(run.received) : fences.mayStillTouch(run.received);
      return refusal && { ...refusal, message: leftAlone(refusal) };
    },
    noteCut() {
      if (depth === "fresh") depth = "cut";
    },
    passPointOfNoReturn() {
      journal.destroying(operation.id);
      depth = "destroying";
    },
    newest,
    // A host that is unknown by now is left on.
    keepsPower: () => newest()?.spec.hold.disablePowerOff ?? true,
    watchStrangers() {
      const sinceMs = site.clock.nowMs();
      const others = new Set<string>();
      const learn = (document: HostDocument): void => {
        if (isOfOthers(document, run.document)) for (const mac of macsOf(document)) others.add(mac);
      };
      for (const document of documents.all()) learn(document);
      return {
        macs: () => site.netboot.strangers(sinceMs).filter((mac) => !others.has(mac)),
        stop: documents.follow(learn),
      };
    },
    journaled: () => journal.ofHost(operation.hostUid),
    elapsedMs: () => site.clock.monotonicMs() - startedAtMs,
  };
}

/** In another namespace: whoever reads one must not learn of another's machines. */
function isOfOthers({ spec }: HostDocument, own: HostDocument): boolean {
  return spec.cluster !== own.spec.cluster || spec.namespace !== own.spec.namespace;
}

function macsOf({ spec: { bootMACAddress = "", identity } }: HostDocument): readonly string[] {
  return [bootMACAddress, ...(identity?.macs ?? [])].map((mac) => mac.toLowerCase());
}

/** At most two a second, and always the first of a step. Progress is worth no failure. */
function thinned(deps: ContextDeps, { operation }: Received): (progress: Progress) => void {
  const { site, observations } = deps;
  let lastStep = "";
  let lastAtMs = 0;
  return (progress) => {
    const atMs = site.clock.monotonicMs();
    if (progress.step === lastStep && atMs - lastAtMs < progressEveryMs) return;
    lastStep = progress.step;
    lastAtMs = atMs;
    try {
      observations.add({
        kind: "operation-progress",
        hostUid: operation.hostUid,
        operationId: operation.id,
        progress: { ...progress, atMs: site.clock.nowMs() },
      });
    } catch (thrown) {
      site.log.warn("progress not stored", { operation: operation.id, reason: String(thrown) });
    }
  };
}

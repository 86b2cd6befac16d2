// Runs operations: one at a time per host, each journaled before it acts, reported when it ends. The one
// place that turns what an operation throws into its failure.
import type {
  Operation,
  OperationFailure,
  OperationPayload,
  OperationResult,
} from "../../shared/protocol/operation.ts";
import type { Progress } from "../../shared/protocol/ramdisk.ts";
import type { Documents } from "../link/documents.ts";
import { outcomeAfterRestart, type Journal, type Outcome } from "../link/journal.ts";
import type { Observations } from "../link/observations.ts";
import { clean } from "./clean.ts";
import { inspect } from "./inspect.ts";
import { OperationError, type Context, type Site } from "./operation-context.ts";
import { power } from "./power.ts";
import { provision } from "./provision.ts";
import { register } from "./register.ts";

const progressEveryMs = 500;
const keptPerHost = 20;

export interface Dispatcher {
  /** Durable when it returns; the work runs on its own. */
  accept(operation: Operation): void;
  cancel(operationId: string): void;
  isBusy(hostUid: string): boolean;
  /** Ends what a crash left unfinished; call once at start. */
  recover(): void;
}

interface Running {
  readonly operationId: string;
  readonly stop: AbortController;
}

export interface DispatcherDeps {
  readonly site: Site;
  readonly documents: Documents;
  readonly journal: Journal;
  readonly observations: Observations;
}

export function makeDispatcher(deps: DispatcherDeps): Dispatcher {
  const running = new Map<string, Running>();
  const queues = new Map<string, Promise<void>>();

  const run = async (operation: Operation, stop: AbortController, receivedAtMs: number) => {
    running.set(operation.hostUid, { operationId: operation.id, stop });
    const outcome = await runOne(deps, operation, stop.signal, receivedAtMs);
    running.delete(operation.hostUid);
    deps.journal.finish(operation.id, outcome);
    deps.journal.trim(keptPerHost);
    reportOutcome(deps, operation, outcome);
  };
  const stops = new Map<string, AbortController>();

  return {
    accept(operation) {
      const accepted = deps.journal.accept(operation);
      if (accepted.kind === "known") {
        const { outcome } = accepted.entry;
        if (outcome !== undefined) reportOutcome(deps, operation, outcome);
        return;
      }
      const { hostUid, id: operationId } = operation;
      deps.observations.add({ kind: "operation-accepted", hostUid, operationId });
      const receivedAtMs = deps.site.clock.monotonicMs();
      const stop = new AbortController();
      stops.set(operationId, stop);
      const before = queues.get(hostUid) ?? Promise.resolve();
      const after = before
        .then(() => run(operation, stop, receivedAtMs))
        .finally(() => {
          stops.delete(operationId);
          if (queues.get(hostUid) === after) queues.delete(hostUid);
        });
      queues.set(hostUid, after);
    },
    cancel(operationId) {
      if (!deps.journal.isDestroying(operationId)) stops.get(operationId)?.abort();
    },
    isBusy: (hostUid) => running.has(hostUid),
    recover() {
      for (const { operation, state } of deps.journal.unfinished()) {
        const outcome = outcomeAfterRestart(state);
        deps.journal.finish(operation.id, outcome);
        reportOutcome(deps, operation, outcome);
      }
    },
  };
}

async function runOne(
  deps: DispatcherDeps,
  operation: Operation,
  signal: AbortSignal,
  receivedAtMs: number,
): Promise<Outcome> {
  const { site, documents, journal, observations } = deps;
  const { hostUid, id: operationId } = operation;
  const startedAtMs = site.clock.monotonicMs();
  const document = documents.get(hostUid);
  const failed = (failure: OperationFailure): Outcome => ({ ok: false, failure });
  if (document === undefined) {
    return failed({
      kind: "fenced",
      message: "the host is no longer this site's",
      destroyed: false,
    });
  }
  journal.start(operationId);
  observations.add({ kind: "operation-started", hostUid, operationId });
  const context: Context = {
    operation,
    received: { operation, atMs: receivedAtMs },
    document,
    site,
    signal,
    report: coalesced(deps, operation),
    passPointOfNoReturn: () => journal.destroying(operationId),
    elapsedMs: () => site.clock.monotonicMs() - startedAtMs,
  };
  try {
    return { ok: true, result: await runPayload(context, operation.payload) };
  } catch (error) {
    const destroyed = journal.isDestroying(operationId);
    if (error instanceof OperationError) {
      return failed({ kind: error.kind, message: error.message, destroyed });
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    site.log.error("operation broke", { operation: operationId, host: hostUid, stack });
    return failed({
      kind: "internal",
      message: `The agent has a bug: ${error instanceof Error ? error.message : "unknown"}. Its log has the details.`,
      destroyed,
    });
  }
}

function runPayload(context: Context, payload: OperationPayload): Promise<OperationResult> {
  switch (payload.kind) {
    case "register":
      return register(context, payload);
    case "inspect":
      return inspect(context, payload);
    case "clean":
      return clean(context, payload);
    case "provision":
      return provision(context, payload);
    case "power":
      return power(context, payload);
  }
}

/** At most two a second, and always the first of a step. */
function coalesced(deps: DispatcherDeps, operation: Operation): (progress: Progress) => void {
  let lastStep = "";
  let lastAtMs = 0;
  return (progress) => {
    const atMs = deps.site.clock.monotonicMs();
    if (progress.step === lastStep && atMs - lastAtMs < progressEveryMs) return;
    lastStep = progress.step;
    lastAtMs = atMs;
    deps.observations.add({
      kind: "operation-progress",
      hostUid: operation.hostUid,
      operationId: operation.id,
      progress: { ...progress, atMs: deps.site.clock.nowMs() },
    });
  };
}

function reportOutcome(deps: DispatcherDeps, operation: Operation, outcome: Outcome): void {
  const { hostUid, id: operationId } = operation;
  deps.site.log.info("operation ended", {
    operation: operationId,
    host: hostUid,
    kind: operation.payload.kind,
    attempt: operation.attempt,
    ok: outcome.ok,
    reason: outcome.ok ? undefined : outcome.failure.kind,
    message: outcome.ok ? undefined : outcome.failure.message,
  });
  deps.observations.add(
    outcome.ok
      ? { kind: "operation-succeeded", hostUid, operationId, result: outcome.result }
      : { kind: "operation-failed", hostUid, operationId, failure: outcome.failure },
  );
}

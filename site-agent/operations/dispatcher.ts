// Hop 7 of 8, next: control-plane/app/accept-observation. Runs operations: one at a time per host and per BMC, each
// journaled before it acts, reported when it ends. The one place that turns what an operation throws into its failure.
import type {
  Operation,
  OperationFailure,
  OperationPayload,
  OperationResult,
} from "../../shared/protocol/operation.ts";
import { operationResult } from "../../shared/protocol/operation.ts";
import { parseBmcAddress } from "../../shared/metal3/bmc-address.ts";
import type { HostDocument } from "../../shared/protocol/host-document.ts";
import type { Documents } from "../link/documents.ts";
import { outcomeAfterRestart, type Journal, type Outcome } from "../link/journal.ts";
import { maxObservationBytes, type Observations } from "../link/observations.ts";
import { clean } from "./clean.ts";
import { inspect } from "./inspect.ts";
import { makeContext } from "./make-context.ts";
import { OperationError, type Context, type Site } from "./operation-context.ts";
import { power } from "./power.ts";
import { provision } from "./provision.ts";
import { recall } from "./recall.ts";
import { register } from "./register.ts";

const keptPerHost = 20;
const storeAgainMs = 5_000;
const maxMessage = 4_096;

export interface Dispatcher {
  /** Durable when it returns; the work runs on its own. Throws when it cannot be stored. */
  accept(operation: Operation): void;
  cancel(operationId: string): void;
  /**
   * False while an older operation is at work on the host of this one, of which the control plane knows nothing any
   * more: it is given up, or finishes first when it is past its point of no return.
   */
  makeWayFor(operation: Operation): boolean;
  isBusy(hostUid: string): boolean;
  /** What operations of the host have ended since the start: power seen before is old. */
  ends(hostUid: string): Ends;
  /** Ends what a crash left unfinished; call once at start. */
  recover(): void;
}

export interface Ends {
  readonly count: number;
  /** Why the last one could not reach the BMC, as it was told to the control plane. */
  readonly bmcProblem: string | undefined;
}

export interface DispatcherDeps {
  readonly site: Site;
  readonly documents: Documents;
  readonly journal: Journal;
  readonly observations: Observations;
}

export function makeDispatcher(deps: DispatcherDeps): Dispatcher {
  const running = new Set<string>();
  const ended = new Map<string, Ends>();
  const queues = new Map<string, Promise<void>>();
  const stops = new Map<string, AbortController>();

  const run = async (operation: Operation, signal: AbortSignal, receivedAtMs: number) => {
    const { hostUid, id } = operation;
    running.add(hostUid);
    const outcome = await runOne(deps, operation, signal, receivedAtMs);
    await storeOutcome(deps, operation, outcome);
    running.delete(hostUid);
    if (deps.documents.get(hostUid) === undefined) deps.site.sessions.forget(hostUid);
    stops.delete(id);
    const count = (ended.get(hostUid)?.count ?? 0) + 1;
    ended.set(hostUid, { count, bmcProblem: bmcProblemOf(outcome) });
  };

  const cancel = (operationId: string) => {
    if (!deps.journal.isDestroying(operationId)) stops.get(operationId)?.abort();
  };

  return {
    makeWayFor({ id, hostUid }) {
      if (deps.journal.find(id) !== undefined) return true;
      const older = deps.journal
        .unfinished()
        .filter(({ operation }) => operation.hostUid === hostUid);
      for (const { operation } of older) cancel(operation.id);
      return older.length === 0;
    },
    accept(operation) {
      const { hostUid, id: operationId } = operation;
      const known = deps.journal.find(operationId);
      if (known !== undefined) {
        if (known.outcome !== undefined) deps.observations.add(report(operation, known.outcome));
        return;
      }
      deps.observations.add(
        { kind: "operation-accepted", hostUid, operationId },
        () => void deps.journal.accept(operation),
      );
      const receivedAtMs = deps.site.clock.monotonicMs();
      const stop = new AbortController();
      stops.set(operationId, stop);
      const names = queueNames(deps.documents, hostUid);
      const after = Promise.all(names.map((name) => queues.get(name) ?? Promise.resolve()))
        .then(() => run(operation, stop.signal, receivedAtMs))
        .finally(() => {
          for (const name of names) if (queues.get(name) === after) queues.delete(name);
        });
      for (const name of names) queues.set(name, after);
    },
    cancel,
    isBusy: (hostUid) => running.has(hostUid),
    ends: (hostUid) => ended.get(hostUid) ?? { count: 0, bmcProblem: undefined },
    recover() {
      for (const { operation, state } of deps.journal.unfinished()) {
        finish(deps, operation, outcomeAfterRestart(state));
      }
    },
  };
}

/** A host that was removed by force may have left work behind on the machine of the one that is there now. */
function queueNames(documents: Documents, hostUid: string): readonly string[] {
  const address = parseBmcAddress(documents.get(hostUid)?.spec.bmcAddress ?? "");
  return address.ok ? [hostUid, address.value.claim] : [hostUid];
}

function bmcProblemOf(outcome: Outcome): string | undefined {
  const isProblem = !outcome.ok && outcome.failure.kind === "bmc-unreachable";
  return isProblem ? outcome.failure.message.slice(0, 1_024) : undefined;
}

/** Outcome and its report are stored together: a crash must not leave one without the other. */
function finish(deps: DispatcherDeps, operation: Operation, outcome: Outcome): void {
  const { site, journal, observations } = deps;
  const problem = bmcProblemOf(outcome);
  // So that its end is news, and whoever waits for the BMC is woken. Told twice when the rest fails: no harm.
  if (problem !== undefined) {
    observations.add({ kind: "bmc", hostUid: operation.hostUid, problem });
  }
  observations.add(report(operation, outcome), () => {
    journal.finish(operation.id, outcome);
    journal.trim(operation.hostUid, keptPerHost);
  });
  site.log.info("operation ended", {
    operation: operation.id,
    host: operation.hostUid,
    kind: operation.payload.kind,
    attempt: operation.attempt,
    ok: outcome.ok,
    reason: outcome.ok ? undefined : outcome.failure.kind,
    message: outcome.ok ? undefined : outcome.failure.message,
  });
}

/** Tries until it is stored: with a full disk the host waits, and nothing is forgotten. */
async function storeOutcome(
  deps: DispatcherDeps,
  operation: Operation,
  outcome: Outcome,
): Promise<void> {
  for (;;) {
    try {
      finish(deps, operation, outcome);
      return;
    } catch (thrown) {
      const reason = String(thrown);
      deps.site.log.error("outcome not stored", { operation: operation.id, reason });
      await deps.site.clock.sleep(storeAgainMs);
    }
  }
}

async function runOne(
  deps: DispatcherDeps,
  operation: Operation,
  signal: AbortSignal,
  receivedAtMs: number,
): Promise<Outcome> {
  const { documents, journal, observations, site } = deps;
  const { hostUid, id: operationId } = operation;
  const failed = (failure: OperationFailure): Outcome => ({ ok: false, failure });
  const document = documents.get(hostUid);
  if (document === undefined || isAhead(operation, document)) {
    const message =
      document === undefined
        ? "The host is no longer this site's."
        : `Revision ${operation.revision} of the host has not arrived here yet.`;
    return failed({ kind: "fenced", message, destroyed: false });
  }
  if (signal.aborted) {
    const message = "The work was given up before it began.";
    return failed({ kind: "cancelled", message, destroyed: false });
  }
  let context: Context | undefined;
  try {
    observations.add({ kind: "operation-started", hostUid, operationId }, () =>
      journal.start(operationId),
    );
    const received = { operation, atMs: receivedAtMs };
    context = makeContext(deps, { received, document, signal });
    const result = await runPayload(context, operation.payload);
    const problem = resultProblem(result);
    if (problem === undefined) return { ok: true, result };
    const destroyed = context.depth() === "destroying";
    return failed({ kind: "unsupported", message: cut(problem), destroyed });
  } catch (thrown) {
    return failed(failureOf(site, operation, thrown, context?.depth() === "destroying"));
  }
}

/** Deliveries that come again keep no order. An older document may lack the credentials. What is recalled needs none. */
function isAhead({ revision, payload }: Operation, document: HostDocument): boolean {
  return payload.kind !== "recall" && document.revision < revision;
}

function failureOf(
  site: Site,
  operation: Operation,
  thrown: unknown,
  destroyed: boolean,
): OperationFailure {
  if (thrown instanceof OperationError) {
    return { kind: thrown.kind, message: cut(thrown.message), destroyed };
  }
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { id, hostUid } = operation;
  site.log.error("operation broke", {
    operation: id,
    host: hostUid,
    stack: error.stack ?? error.message,
  });
  // Its message is for the log of the site: it could quote what must not leave.
  const message = `The agent has a bug (${error.name}): its log has the details of operation ${id}.`;
  return { kind: "internal", message: cut(message), destroyed };
}

/** What the protocol cannot carry would close the link each time. */
function resultProblem(result: OperationResult): string | undefined {
  const parsed = operationResult.safeParse(result);
  const bytes = new TextEncoder().encode(JSON.stringify(result)).length;
  if (parsed.success && bytes < maxObservationBytes - 1024) return undefined;
  const where = parsed.success
    ? `it has ${bytes} bytes`
    : `field "${parsed.error.issues[0]?.path.join(".") ?? ""}" is not as it should be`;
  return `The result of the ${result.kind} cannot be reported: ${where}.`;
}

function cut(message: string): string {
  return message.length > maxMessage ? `${message.slice(0, maxMessage - 1)}…` : message;
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
    case "recall":
      return recall(context, payload);
  }
}

function report({ hostUid, id: operationId }: Operation, outcome: Outcome) {
  return outcome.ok
    ? ({ kind: "operation-succeeded", hostUid, operationId, result: outcome.result } as const)
    : ({ kind: "operation-failed", hostUid, operationId, failure: outcome.failure } as const);
}

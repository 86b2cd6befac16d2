// A decision in the making: a copy of the memory to change, and what has been ordered so far. Only decide
// makes and finishes drafts; states and concerns work on them by the functions here.
import { hostFinalizer } from "../metal3/annotations.ts";
import type { BareMetalHostStatus } from "../metal3/bare-metal-host.ts";
import type { WriteBack } from "../protocol/write-back.ts";
import { wait, type Because, type StopOf } from "../stop.ts";
import type { Command, Next } from "./decision.ts";
import { sha256Hex } from "./document/canonical-json.ts";
import type { HostMemory, OperationView, Snapshot } from "./snapshot.ts";
import { historyOf, readState, transitions, type HostState } from "./state.table.ts";
import { isoTime } from "./status/iso-time.ts";

export interface Draft {
  readonly snapshot: Snapshot;
  /** A copy; changed in place. */
  readonly memory: HostMemory;
  readonly writes: WriteBack[];
  command?: Command;
  cancel?: string;
  consumed?: string;
}

export { because, settled, wait } from "../stop.ts";
export type Stop = StopOf<Next>;

/** An operation that has ended, with exactly one of result and failure. */
export interface EndedOperation {
  readonly view: OperationView;
  readonly result: OperationView["result"];
  readonly failure: OperationView["failure"];
}

/** What a state does. Each function may change the draft's memory. */
export interface StateRules {
  /** Whether a running operation still serves; otherwise it is cancelled. */
  keeps(draft: Draft, operation: OperationView): boolean;
  /** Takes in the outcome of an operation; undefined: not this state's, go on with `next`. */
  ended(draft: Draft, operation: EndedOperation): Stop | undefined;
  next(draft: Draft): Stop;
}

/** The state in memory; "deleting" never leads back to a state that this version does not know. */
export function stateOf(draft: Draft): HostState | undefined {
  return readState(draft.memory.status.provisioning.state);
}

export function isDeleting(draft: Draft): boolean {
  return draft.snapshot.host.metadata.deletionTimestamp !== undefined;
}

/**
 * Moves the host to another state. The decision ends with it: the next state's work starts when Kubernetes
 * shows the state, so that a watcher sees each and a lost database finds it there.
 */
export function go(draft: Draft, to: HostState, why: Because): Stop {
  const { status } = draft.memory;
  const from = stateOf(draft) ?? "";
  if (!transitions[from].includes(to)) {
    throw new Error(`no transition from ${JSON.stringify(from)} to ${JSON.stringify(to)}`);
  }
  stampHistory(draft, from, to);
  status.provisioning.state = to;
  if (to === "registering" || to === "inspecting" || to === "provisioning") {
    status.provisioning.bootMode = draft.snapshot.host.spec.bootMode ?? "UEFI";
  }
  clearBackoff(draft);
  clearError(status);
  return wait(why, ["write-back"]);
}

function stampHistory(draft: Draft, from: HostState, to: HostState): void {
  const { status } = draft.memory;
  const now = isoTime(draft.snapshot.nowMs);
  const history = { ...status.operationHistory };
  const [left, entered] = [historyOf[from], historyOf[to]];
  if (left !== undefined) history[left] = { ...history[left], end: now };
  if (entered !== undefined) history[entered] = { start: now };
  status.operationHistory = history;
}

function clearError(status: BareMetalHostStatus): void {
  delete status.errorType;
  status.errorMessage = "";
  if (status.operationalStatus !== "detached") status.operationalStatus = "OK";
}

/** The current work succeeded, or is another one now. */
export function clearBackoff(draft: Draft): void {
  draft.memory.attempt = 0;
  delete draft.memory.notBeforeMs;
  delete draft.memory.failedInputs;
}

/** Success: the errors are history. */
export function clearErrors(draft: Draft): void {
  clearBackoff(draft);
  clearError(draft.memory.status);
  draft.memory.status.errorCount = 0;
}

/** An Event, once: its name is derived from the committed decision, so a repeated write is the same object. */
export function event(
  draft: Draft,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
): void {
  const { host, nowMs } = draft.snapshot;
  const { namespace, name, uid } = host.metadata;
  const mark = sha256Hex(`${uid} ${draft.memory.operationCount} ${nowMs} ${reason} ${message}`);
  const related = Object.fromEntries(
    Object.entries(host.spec.consumerRef ?? {}).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value] as const],
    ),
  );
  draft.writes.push({
    kind: "event",
    namespace,
    name,
    uid,
    eventName: `${name.slice(0, 200)}.${reason.toLowerCase()}.${mark.slice(0, 10)}`,
    type,
    reason,
    message: message.slice(0, 1024),
    atMs: nowMs,
    ...(Object.keys(related).length === 0 ? {} : { related }),
  });
}

export function target(draft: Draft): { namespace: string; name: string; uid: string } {
  const { namespace, name, uid } = draft.snapshot.host.metadata;
  return { namespace, name, uid };
}

/** The annotation's value, unless it was acted on already and only its removal is not visible yet. */
export function annotationOf(draft: Draft, name: string): string | undefined {
  if (draft.memory.taken?.includes(name) === true) return undefined;
  return draft.snapshot.host.metadata.annotations?.[name];
}

/** Asks Kubernetes to remove an annotation that has been acted on. */
export function takeAnnotation(draft: Draft, name: string): void {
  draft.memory.taken = [...(draft.memory.taken ?? []), name];
  draft.writes.push({ kind: "metadata", ...target(draft), removeAnnotations: [name] });
}

/** Whether Kubernetes shows our finalizer, without which the object could vanish under an operation. */
export function hasFinalizer(draft: Draft): boolean {
  return draft.snapshot.host.metadata.finalizers?.includes(hostFinalizer) === true;
}

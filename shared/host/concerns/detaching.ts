// Detaching: the annotation takes a host out of Farrier's hands. Immediately in the states in which hosts are
// used, elsewhere only when forced. The status says "detached" only once nothing touches the machine any more.
import { readDetached } from "../../metal3/annotations.ts";
import {
  because,
  clearErrors,
  isDeleting,
  stateOf,
  wait,
  type Draft,
  type Stop,
} from "../draft.ts";
import { stableStates } from "../state.table.ts";

/** Whether nothing new may touch the machine: goes into the document's holds at once. */
export function isDetaching(draft: Draft): boolean {
  const request = readDetached(draft.snapshot.host.metadata.annotations);
  const state = stateOf(draft);
  if (request === undefined || state === undefined || state === "deleting") return false;
  if (draft.memory.status.operationalStatus === "detached") return true;
  return stableStates.includes(state) || (request.force && state !== "" && state !== "unmanaged");
}

/** Undefined: attached. */
export function detach(draft: Draft): Stop | undefined {
  const { status } = draft.memory;
  if (!isDetaching(draft)) {
    if (status.operationalStatus === "detached") attach(draft);
    return undefined;
  }
  const { operation } = draft.snapshot;
  const isRunning = operation !== undefined && draft.consumed === undefined;
  if (isRunning) {
    draft.cancel = operation.id;
    const message = `detaches as soon as the running ${operation.kind} ends; past its point of no return it finishes`;
    return wait(because("Detaching", message), ["operation", "spec"]);
  }
  if (status.operationalStatus !== "detached") {
    clearErrors(draft);
    status.operationalStatus = "detached";
  }
  const message = isDeleting(draft)
    ? "deletion is delayed by the detached annotation; remove it or set deleteAction to delete"
    : "detached: nothing touches the machine until the annotation is removed";
  return wait(because("Detached", message), ["spec"]);
}

/**
 * The machine may be another one by now, at another address: registers again before anything else, and what was
 * reported until now is no news of it.
 */
function attach({ memory, snapshot: { power } }: Draft): void {
  const { status } = memory;
  status.operationalStatus = status.errorType === undefined ? "OK" : "error";
  delete memory.registered;
  memory.power = power === undefined ? {} : { reportAtMs: power.atMs };
}

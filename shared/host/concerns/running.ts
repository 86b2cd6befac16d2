// The operation that runs, and the one that has just ended: waiting with what is known of it, cancelling it
// when the state has no use for it, noting what its end says about disks and power.
import { because, event, wait, type Draft, type EndedOperation, type Stop } from "../draft.ts";
import type { OperationFailure } from "../../protocol/operation.ts";
import type { OperationView } from "../snapshot.ts";
import { heldUp } from "../order.ts";
import { isoTime } from "../status/iso-time.ts";
import { progressText, progressWakeMs, timeText } from "../status/operation-condition.ts";

/** Takes an ended operation in; undefined: none has ended. */
export function absorb(draft: Draft): EndedOperation | undefined {
  const view = draft.snapshot.operation;
  if (view === undefined || !isEnded(view)) return undefined;
  draft.consumed = view.id;
  const { memory } = draft;
  delete memory.progressAtMs;
  delete memory.step;
  const failure = view.result === undefined ? (view.failure ?? noResult(view)) : undefined;
  // Whatever wrote, or may have, leaves something on the disks; a cleaning that succeeds says so itself.
  if (destroys(view) && (failure?.destroyed ?? true)) memory.clean = false;
  memory.lastResult = lastResult(view, failure?.message);
  return { view, result: view.result, failure };
}

export function isEnded(view: OperationView): boolean {
  return view.state === "succeeded" || view.state === "failed";
}

function destroys(view: OperationView): boolean {
  return view.kind === "clean" || view.kind === "provision";
}

function noResult(view: OperationView): OperationFailure {
  const message = `the agent ended ${view.kind} without a result`;
  return { kind: "internal", message, destroyed: destroys(view) };
}

function lastResult(view: OperationView, failure: string | undefined) {
  const name = view.kind.charAt(0).toUpperCase() + view.kind.slice(1);
  if (failure !== undefined) return { reason: `${name}Failed`, message: failure };
  const { startedAtMs, createdAtMs, endedAtMs } = view;
  const durationMs = (endedAtMs ?? createdAtMs) - (startedAtMs ?? createdAtMs);
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  const when = endedAtMs === undefined ? "" : ` at ${isoTime(endedAtMs)}`;
  return {
    reason: `${name}Succeeded`,
    message: `${view.kind} took ${timeText(seconds)}, ended${when}`,
  };
}

/** Undefined: nothing runs. An operation at an unreachable site is left alone: it finishes there. */
export function waitForOperation(draft: Draft, keeps: boolean): Stop | undefined {
  const view = draft.snapshot.operation;
  if (view === undefined || draft.consumed !== undefined) return undefined;
  if (!keeps) {
    if (!view.cancelled) draft.cancel = view.id;
    const message = `gives up ${view.kind}; past its point of no return it finishes first`;
    return wait(because("Cancelling", message), ["operation"]);
  }
  tellStep(draft, view);
  const { site } = draft.snapshot;
  if (site.kind === "site" && site.connection === "unreachable") {
    const message = `site ${site.name} has not been heard since ${isoTime(site.lastSeenMs)}; ${view.kind} goes on there`;
    return wait(because("SiteUnreachable", message), ["operation", "site", "spec"]);
  }
  const why = heldUp(draft, view) ?? because("Running", runningText(view));
  return wait(why, ["operation", "spec"], progressWakeMs(draft));
}

/** An Event at the border of two steps of long work. */
function tellStep(draft: Draft, { kind, progress }: OperationView): void {
  if (progress === undefined || kind === "register" || kind === "power") return;
  if (draft.memory.step === progress.step) return;
  draft.memory.step = progress.step;
  event(draft, "Normal", progress.step, `${kind}: ${progressText(progress) || "begins"}`);
}

function runningText(view: OperationView): string {
  if (view.state === "pending") return `${view.kind} is on its way to the site`;
  if (view.progress === undefined) return `${view.kind} has begun at the site`;
  return progressText(view.progress) || `${view.kind} is running`;
}

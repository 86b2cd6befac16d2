// How a failure gets into the status: error type, message, count, Event, and when to try again.
import { retryAnnotation } from "../../metal3/annotations.ts";
import type { ErrorType } from "../../metal3/bare-metal-host.ts";
import type { OperationErrorKind, OperationFailure } from "../../protocol/operation.ts";
import type { Because } from "../../stop.ts";
import type { Awaited } from "../decision.ts";
import { because, event, isDeleting, wait, type Draft, type Stop } from "../draft.ts";
import { backoffMs, loginWindowMs, retryInputs, soonMs } from "./backoff.ts";
import { clockTime } from "./iso-time.ts";
import { operationErrors } from "./operation-errors.table.ts";

/** Event reasons, as upstream names them. */
const reasons: Readonly<Record<ErrorType, string>> = {
  "registration error": "RegistrationError",
  "provisioned registration error": "ProvisionedRegistrationError",
  "inspection error": "InspectionError",
  "preparation error": "PreparationError",
  "provisioning error": "ProvisioningError",
  "power management error": "PowerManagementError",
  "servicing error": "ServicingError",
};

/** An operation failed. Not an error if the world merely moved first (fenced, expired, cancelled). */
export function failOperation(draft: Draft, type: ErrorType, failure: OperationFailure): Stop {
  const { memory, snapshot } = draft;
  const rule = operationErrors[failure.kind];
  const message = rule.hint === undefined ? failure.message : `${failure.message}; ${rule.hint}`;
  memory.failedInputs = retryInputs(snapshot);
  if (rule.retry === "soon" || (rule.retry === "secret" && hasOtherCredentials(draft))) {
    memory.notBeforeMs = snapshot.nowMs + soonMs;
    return waitForRetry(draft, because("Retrying", failure.message));
  }
  memory.attempt += 1;
  setError(draft, type, because(reasons[type], message));
  delete memory.notBeforeMs;
  const delayMs = retryDelayMs(draft, failure.kind);
  if (delayMs !== undefined) memory.notBeforeMs = snapshot.nowMs + delayMs;
  return waitForRetry(draft, because(reasons[type], message));
}

/** The Secret was changed while the operation ran: it is not its present content that failed. */
function hasOtherCredentials(draft: Draft): boolean {
  const { credentials, status } = draft.memory;
  const isLogin = draft.snapshot.operation?.kind === "register";
  const used = isLogin ? status.triedCredentials : status.goodCredentials;
  const version = used?.credentialsVersion;
  // A deletion logs in nowhere first, and would never end.
  if (isDeleting(draft) || credentials === undefined || version === undefined) return false;
  return credentials.context.secretVersion !== version;
}

function retryDelayMs(draft: Draft, kind: OperationErrorKind): number | undefined {
  const { retry } = operationErrors[kind];
  if (retry === "spec") return undefined;
  // A deletion must not wait for a password that may never be corrected; the agent keeps to its budget.
  if (retry === "secret" && !isDeleting(draft)) return loginWindowMs;
  return backoffMs(
    Math.min(draft.memory.attempt, longest(draft, kind)),
    draft.snapshot.host.metadata.uid,
  );
}

/** Of the waits, which double: a deletion does not wait ever longer for what time alone does not mend. */
function longest(draft: Draft, kind: OperationErrorKind): number {
  if (!isDeleting(draft)) return Infinity;
  const { retry } = operationErrors[kind];
  if (retry === "secret") return 2;
  const mayPass = kind === "guard" || kind.startsWith("bmc-");
  return retry === "backoff" && !mayPass ? 1 : Infinity;
}

/** Something is missing or wrong that only a change can end. Says it once; repeating it changes nothing. */
export function reject(
  draft: Draft,
  type: ErrorType,
  why: Because,
  awaited: readonly [Awaited, ...Awaited[]],
): Stop {
  const { status } = draft.memory;
  const isKnown = status.errorType === type && status.errorMessage === why.message;
  if (!isKnown) setError(draft, type, why);
  return wait(why, awaited);
}

function setError(draft: Draft, type: ErrorType, why: Because): void {
  const { status } = draft.memory;
  event(draft, "Warning", why.reason, why.message);
  status.errorCount += 1;
  status.errorType = type;
  status.errorMessage = why.message;
  if (status.operationalStatus !== "detached") status.operationalStatus = "error";
}

/** A wait that still runs after a failed attempt; undefined: the next attempt may start. */
export function backoffLeft(draft: Draft): Stop | undefined {
  const { memory, snapshot } = draft;
  if (memory.failedInputs === undefined) return undefined;
  if (memory.notBeforeMs !== undefined && memory.notBeforeMs <= snapshot.nowMs) return undefined;
  const { errorMessage } = memory.status;
  return waitForRetry(draft, because("WaitingToRetry", errorMessage || "the world moved first"));
}

function waitForRetry(draft: Draft, why: Because): Stop {
  const { notBeforeMs } = draft.memory;
  const { name } = draft.snapshot.host.metadata;
  const when =
    notBeforeMs === undefined
      ? "the next try comes with a change"
      : `next try at ${clockTime(notBeforeMs)}`;
  return wait(
    because(
      why.reason,
      `${why.message} (${when}; at once: kubectl annotate bmh ${name} ${retryAnnotation}=)`,
    ),
    ["spec", "secret", "site"],
    notBeforeMs,
  );
}

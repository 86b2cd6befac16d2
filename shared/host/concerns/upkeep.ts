// What is done for a host whatever its state: finalizer, labels of its Secrets, hardware details, the retry
// annotation, and ending a wait early when something changed that could matter.
import { hostFinalizer, retryAnnotation, statusAnnotation } from "../../metal3/annotations.ts";
import {
  annotationOf,
  clearBackoff,
  hasFinalizer,
  isDeleting,
  stateOf,
  takeAnnotation,
  target,
} from "../draft.ts";
import type { Draft } from "../draft.ts";
import { retryInputs } from "../status/backoff.ts";
import { registrationErrorType } from "./credentials.ts";
import { followHardware } from "./hardware.ts";
import { observePower } from "./power.ts";
import { claimSecrets, factOf } from "./secrets.ts";

export function upkeep(draft: Draft): void {
  const { memory, snapshot } = draft;
  forgetTaken(draft);
  endBackoffEarly(draft);
  const sealed = factOf(draft, "bmc")?.sealed;
  if (sealed !== undefined) memory.credentials = sealed;
  const state = stateOf(draft);
  if (state !== "" && state !== "unmanaged" && memory.status.operationalStatus !== "detached") {
    observePower(draft);
  }
  if (isDeleting(draft)) return;
  if (annotationOf(draft, statusAnnotation) !== undefined) takeAnnotation(draft, statusAnnotation);
  if (!hasFinalizer(draft)) {
    draft.writes.push({ kind: "metadata", ...target(draft), addFinalizers: [hostFinalizer] });
  }
  followHardware(draft);
  if (state !== "" && state !== "unmanaged" && snapshot.site.kind === "site") claimSecrets(draft);
}

function forgetTaken(draft: Draft): void {
  const present = draft.snapshot.host.metadata.annotations ?? {};
  const taken = (draft.memory.taken ?? []).filter((name) => present[name] !== undefined);
  if (taken.length === 0) delete draft.memory.taken;
  else draft.memory.taken = taken;
}

/** After a failed registration, news of the power: the BMC was away too short a time to be missed by the poll. */
function wasLoggedIn(draft: Draft): boolean {
  const { memory, snapshot } = draft;
  const isNews = snapshot.power !== undefined && snapshot.power.atMs !== memory.power?.reportAtMs;
  return isNews && memory.status.errorType === registrationErrorType(draft);
}

function endBackoffEarly(draft: Draft): void {
  const { memory, snapshot } = draft;
  const isAsked = annotationOf(draft, retryAnnotation) !== undefined;
  if (isAsked) {
    takeAnnotation(draft, retryAnnotation);
    delete memory.unproven;
    delete memory.recallUpTo;
    memory.status.provisioningFailCount = 0;
  }
  const hasRecovered =
    (memory.bmcProblem !== undefined && snapshot.bmcProblem === undefined) || wasLoggedIn(draft);
  if (snapshot.bmcProblem === undefined) delete memory.bmcProblem;
  else memory.bmcProblem = snapshot.bmcProblem;
  if (memory.failedInputs === undefined) return;
  if (isAsked || hasRecovered || retryInputs(snapshot) !== memory.failedInputs) {
    delete memory.notBeforeMs;
    delete memory.failedInputs;
    if (isAsked) clearBackoff(draft);
  }
}

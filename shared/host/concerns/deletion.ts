// Deletion: where a host goes once its deletionTimestamp is set. A stage is tried four times, then given up, as
// upstream does; switching off once, where the BMC could not be used for the stage before either. The annotation
// farrier.dev/force-delete skips them all.
import { forceDeleteAnnotation, readDetached } from "../../metal3/annotations.ts";
import {
  because,
  event,
  go,
  isDeleting,
  stateOf,
  target,
  wait,
  type Draft,
  type Stop,
} from "../draft.ts";
import type { HostState } from "../state.table.ts";
import { sealedCredentials } from "./credentials.ts";
import { factOf } from "./secrets.ts";

export const attemptsBeforeGivingUp = 3;

const firstStage: Readonly<Record<HostState, HostState | undefined>> = {
  "": "deleting",
  unmanaged: "deleting",
  registering: "deleting",
  inspecting: "powering off before delete",
  preparing: "powering off before delete",
  available: "powering off before delete",
  provisioning: "deprovisioning",
  provisioned: "deprovisioning",
  "externally provisioned": "powering off before delete",
  deprovisioning: undefined,
  "powering off before delete": undefined,
  deleting: undefined,
};

/** Undefined: not being deleted, or already on its way. */
export function deletion(draft: Draft): Stop | undefined {
  const state = stateOf(draft);
  if (!isDeleting(draft) || state === undefined || state === "deleting") return undefined;
  if (isForced(draft)) {
    const message = "removes the host without touching the machine: farrier.dev/force-delete";
    event(draft, "Warning", "ForcedDeletion", message);
    return leave(draft, "deleting", message);
  }
  const detached = readDetached(draft.snapshot.host.metadata.annotations);
  if (detached?.deleteAction === "delay") return undefined;
  if (detached !== undefined) return leave(draft, "deleting", "removes the detached host");
  // The delaying annotation went away: the host is attached again first, then deleted as usual.
  if (draft.memory.status.operationalStatus === "detached") return undefined;
  const stage = isLeftAlone(draft) ? "powering off before delete" : firstStage[state];
  return stage === undefined ? undefined : leave(draft, stage, `the host is being deleted`);
}

/** A deletion that the detached annotation delays, where the host is not detached yet: no new work begins meanwhile. */
export function delayed(draft: Draft): Stop | undefined {
  const { annotations } = draft.snapshot.host.metadata;
  const isDelayed = readDetached(annotations)?.deleteAction === "delay";
  if (!isDeleting(draft) || !isDelayed || stateOf(draft) === "deleting") return undefined;
  const message =
    "deletion is delayed by the detached annotation, and nothing new begins; remove it or set deleteAction to delete";
  return wait(because("DeletionDelayed", message), ["spec"]);
}

/** Became externally provisioned on its way: nothing may be erased any more, and nothing else would end the wait. */
function isLeftAlone(draft: Draft): boolean {
  const { externallyProvisioned } = draft.snapshot.host.spec;
  return stateOf(draft) === "deprovisioning" && externallyProvisioned === true;
}

function leave(draft: Draft, to: HostState, message: string): Stop {
  const { operation } = draft.snapshot;
  if (operation !== undefined && draft.consumed === undefined) draft.cancel = operation.id;
  draft.writes.push({ kind: "release-hardware-data", ...target(draft) });
  if (to === "deprovisioning") {
    draft.memory.allocation = "";
    event(draft, "Normal", "DeprovisioningStarted", "the host is being deleted");
  }
  return go(draft, to, because("Deleting", message));
}

function isForced(draft: Draft): boolean {
  return draft.snapshot.host.metadata.annotations?.[forceDeleteAnnotation] !== undefined;
}

/** Whether this stage of a deletion has failed often enough to go on without it. */
export function isHopeless(draft: Draft): boolean {
  if (!isDeleting(draft)) return false;
  return draft.memory.attempt > attemptsBeforeGivingUp || hasNoCredentials(draft);
}

/** No way to log in: the Secret is gone or useless and no earlier copy fits. */
function hasNoCredentials(draft: Draft): boolean {
  if (sealedCredentials(draft) !== undefined) return false;
  const name = draft.snapshot.host.spec.bmc?.credentialsName ?? "";
  const fact = factOf(draft, "bmc");
  return name === "" || fact?.found === false || fact?.problem !== undefined;
}

// State deprovisioning: the host is given back. Its disks are erased unless cleaning is disabled; a cleaning
// that failed keeps the host here, except while it is being deleted.
import {
  clean,
  cleaningDisabled,
  cleaningEnded,
  isClean,
  needsCleaning,
} from "../concerns/cleaning.ts";
import { attemptsBeforeGivingUp, isHopeless } from "../concerns/deletion.ts";
import { because, clearErrors, event, go, isDeleting } from "../draft.ts";
import type { Draft, EndedOperation, StateRules, Stop } from "../draft.ts";
import { order } from "../order.ts";
import { failOperation } from "../status/errors.ts";
import type { OperationView } from "../snapshot.ts";

export const deprovisioning: StateRules = { keeps, ended, next };

/** automatedCleaningMode counts at this moment: disabled stops a cleaning that runs. */
function keeps(draft: Draft, { kind }: OperationView): boolean {
  if (kind === "power") return cleaningDisabled(draft);
  return (kind === "clean" || kind === "inspect") && needsCleaning(draft);
}

function ended(draft: Draft, operation: EndedOperation): Stop | undefined {
  const stop = outcome(draft, operation);
  // Nothing is tried again: there is nothing to wait for.
  return operation.failure !== undefined && isHopeless(draft) ? undefined : stop;
}

function outcome(draft: Draft, operation: EndedOperation): Stop | undefined {
  const { kind } = operation.view;
  if (kind === "power" && operation.failure !== undefined) {
    return failOperation(draft, "power management error", operation.failure);
  }
  if (kind !== "clean" && kind !== "inspect") return undefined;
  return cleaningEnded(draft, operation, "provisioning error");
}

function next(draft: Draft): Stop {
  if (isHopeless(draft)) {
    const message = `gave up deprovisioning: ${draft.memory.status.errorMessage || "the BMC cannot be logged in to"}; the disks may still hold data`;
    event(draft, "Warning", "DeprovisioningGivenUp", message);
    const left = go(draft, "powering off before delete", because("DeprovisioningGivenUp", message));
    // A BMC that has not answered all the time is tried once more, not as often again.
    if (draft.snapshot.bmcProblem !== undefined) draft.memory.attempt = attemptsBeforeGivingUp;
    return left;
  }
  if (needsCleaning(draft)) return clean(draft);
  return stopTenant(draft) ?? done(draft);
}

/** Without cleaning the old system must at least not go on running. */
function stopTenant(draft: Draft): Stop | undefined {
  const { memory, snapshot } = draft;
  const { disablePowerOff } = snapshot.host.spec;
  if (isClean(draft) || disablePowerOff === true || memory.power?.on === false) return undefined;
  return order(draft, { kind: "power", want: "off", mode: "hard" }, "switches the host off");
}

function done(draft: Draft): Stop {
  const { memory } = draft;
  memory.status.provisioning.image = { url: "" };
  delete memory.status.provisioning.customDeploy;
  delete memory.written;
  clearErrors(draft);
  event(draft, "Normal", "DeprovisioningComplete", memory.cleaned?.summary ?? "deprovisioned");
  const why = because("DeprovisioningComplete", "the host is given back");
  return go(draft, isDeleting(draft) ? "powering off before delete" : "available", why);
}

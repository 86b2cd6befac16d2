// State available: the host waits to be used. Provisioning starts with an image and online; until then power
// follows spec.online.
import { inspectAnnotation } from "../../metal3/annotations.ts";
import { needsCleaning } from "../concerns/cleaning.ts";
import { hintsOf, inspectionDisabled } from "../concerns/hardware.ts";
import {
  isSameImage,
  maxProvisioningFailures,
  provisionPayload,
  wantedImage,
} from "../concerns/image.ts";
import { power, powerEnded } from "../concerns/power.ts";
import { unsupportedDeploy, unsupportedImage, unsupportedRaid } from "../concerns/unsupported.ts";
import { annotationOf, because, clearErrors, event, go, takeAnnotation, wait } from "../draft.ts";
import type { Draft, StateRules, Stop } from "../draft.ts";
import { isSameJson } from "../document/canonical-json.ts";
import { reject } from "../status/errors.ts";
import { handOver } from "./hand-over.ts";

export const available: StateRules = {
  keeps: (_, { kind }) => kind === "power",
  ended: (draft, operation) =>
    operation.view.kind === "power" ? powerEnded(draft, operation) : undefined,
  next: (draft) =>
    handOver(draft) ??
    inspectAgain(draft) ??
    prepareAgain(draft) ??
    provision(draft) ??
    power(draft),
};

function inspectAgain(draft: Draft): Stop | undefined {
  const wish = annotationOf(draft, inspectAnnotation);
  if (wish === undefined || wish === "disabled") return undefined;
  takeAnnotation(draft, inspectAnnotation);
  if (inspectionDisabled(draft.snapshot.host)) {
    const message = "spec.inspectionMode is disabled: annotation inspect.metal3.io has no effect";
    event(draft, "Warning", "InspectionSkipped", message);
    return undefined;
  }
  event(draft, "Normal", "InspectionStarted", "hardware inspection started");
  return go(draft, "inspecting", because("InspectionStarted", "asked to inspect again"));
}

function prepareAgain(draft: Draft): Stop | undefined {
  const { lateWork } = draft.memory;
  if (lateWork !== undefined && needsCleaning(draft)) {
    const message = `operation ${lateWork}, which counted as ended, changed the disks: they are erased again`;
    event(draft, "Warning", "LateWork", message);
    return go(draft, "preparing", because("LateWork", message));
  }
  const present = draft.memory.status.provisioning.rootDeviceHints;
  const areSame = isSameJson(hintsOf(draft), present);
  if (areSame && unsupportedRaid(draft.snapshot.host.spec) === undefined) return undefined;
  return go(draft, "preparing", because("Preparing", "root device hints or RAID changed"));
}

function provision(draft: Draft): Stop | undefined {
  const { spec } = draft.snapshot.host;
  const { status } = draft.memory;
  const image = wantedImage(spec);
  if (image === undefined) {
    status.provisioningFailCount = 0;
    if (status.errorType === "provisioning error") clearErrors(draft);
    return unsupportedDeployment(draft);
  }
  if (!isSameImage(image, status.lastAttemptedImage)) status.provisioningFailCount = 0;
  if (!spec.online) return undefined;
  return unsupportedDeployment(draft) ?? provisionNow(draft);
}

function unsupportedDeployment(draft: Draft): Stop | undefined {
  const { spec } = draft.snapshot.host;
  const problem = unsupportedDeploy(spec) ?? unsupportedImage(spec);
  if (problem === undefined) return undefined;
  return reject(draft, "provisioning error", because("ProvisioningError", problem), ["spec"]);
}

function provisionNow(draft: Draft): Stop {
  const { status } = draft.memory;
  if (status.provisioningFailCount >= maxProvisioningFailures) {
    const message = `gave up after ${status.provisioningFailCount} failures: ${draft.memory.lastResult?.message ?? "see the events"}; change spec.image, or annotate farrier.dev/retry`;
    const why = because("ProvisioningError", message);
    return reject(draft, "provisioning error", why, ["spec"]);
  }
  const payload = provisionPayload(draft);
  if (!payload.ok && payload.error.kind === "pending") {
    return wait(because("WaitingForSecret", payload.error.message), ["secret", "spec"]);
  }
  if (!payload.ok) {
    const why = because("ProvisioningError", payload.error.message);
    return reject(draft, "provisioning error", why, ["spec", "secret"]);
  }
  status.lastAttemptedImage = payload.value.image;
  event(
    draft,
    "Normal",
    "ProvisioningStarted",
    `image provisioning started for ${payload.value.image.url}`,
  );
  return go(draft, "provisioning", because("ProvisioningStarted", "an image is to be written"));
}

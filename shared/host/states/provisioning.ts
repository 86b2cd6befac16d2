// State provisioning: the image is being written. What is recorded at the end is what the operation wrote;
// a spec that changed meanwhile stops the write, or leads to another one. Of a write that this database does not know
// the site is asked how it ended.
import { look, needsCleaning } from "../concerns/cleaning.ts";
import { pin } from "../concerns/hardware.ts";
import { allocationOf, isGivenUp, isSameImage, provisionPayload } from "../concerns/image.ts";
import { settlesUntilMs } from "../concerns/secrets.ts";
import { because, clearErrors, event, go, isDeleting, wait } from "../draft.ts";
import type { Draft, EndedOperation, StateRules, Stop } from "../draft.ts";
import { order } from "../order.ts";
import type { OperationFailure, OperationResult } from "../../protocol/operation.ts";
import type { OperationView } from "../snapshot.ts";
import { backoffLeft, failOperation, reject } from "../status/errors.ts";

export const provisioning: StateRules = { keeps, ended, next };

/** A Secret that went away changes nothing: the operation has its sealed copy. */
function keeps(draft: Draft, { kind }: OperationView): boolean {
  if (kind === "inspect" || kind === "recall") return !isGivenUp(draft);
  if (kind !== "provision" || isGivenUp(draft)) return false;
  const payload = provisionPayload(draft);
  if (!payload.ok) return true;
  const { uid } = draft.snapshot.host.metadata;
  if (allocationOf(uid, payload.value) === draft.memory.writing?.allocation) return true;
  // The document's allocation stops the write even where the cancellation comes too late to be seen first.
  draft.memory.allocation = "";
  return false;
}

function ended(draft: Draft, operation: EndedOperation): Stop | undefined {
  const { result, failure } = operation;
  if (result?.kind === "inspect") pin(draft, result);
  if (result?.kind === "provision") return provisioned(draft, result);
  if (result?.kind === "recall") return recalled(draft, result);
  if (failure === undefined) return undefined;
  return failed(draft, operation.view.kind, failure);
}

function failed(draft: Draft, kind: OperationView["kind"], failure: OperationFailure): Stop {
  // An older agent cannot tell.
  if (kind === "recall" && failure.kind === "unsupported") {
    delete draft.memory.recallUpTo;
    return next(draft);
  }
  const stop = failOperation(draft, "provisioning error", failure);
  const isMovedOn = draft.memory.status.errorType === undefined;
  return isMovedOn && failure.destroyed ? giveUp(draft, failure.message) : stop;
}

type Recalled = Extract<OperationResult, { kind: "recall" }>;

/** Undefined: nothing is on the disk that counts; it can be written. */
function recalled(draft: Draft, { isKnown, write: last }: Recalled): Stop | undefined {
  const { memory } = draft;
  delete memory.recallUpTo;
  if (!isKnown) return undefined;
  delete memory.unproven;
  clearErrors(draft);
  if (last === undefined) memory.clean = true;
  const attempted = memory.status.lastAttemptedImage;
  // Another image was written before: the write of this one has not begun.
  if (last === undefined || (attempted !== undefined && !isSameImage(last.image, attempted))) {
    return undefined;
  }
  const { written, failure, ...writing } = last;
  memory.clean = false;
  if (failure !== undefined) return failed(draft, "provision", failure);
  if (written === undefined) return undefined;
  memory.writing = writing;
  return provisioned(draft, written);
}

function provisioned(
  draft: Draft,
  result: Pick<Extract<OperationResult, { kind: "provision" }>, "contentDigest" | "disk">,
): Stop {
  const { memory } = draft;
  const { writing } = memory;
  if (writing === undefined) {
    memory.unproven = "a write succeeded that this database knows nothing of";
    return next(draft);
  }
  const { provisioning: shown } = memory.status;
  memory.written = { ...writing, contentDigest: result.contentDigest, disk: result.disk };
  memory.allocation = writing.allocation;
  delete memory.writing;
  shown.image = writing.image;
  shown.bootMode = writing.bootMode;
  clearErrors(draft);
  memory.status.provisioningFailCount = 0;
  event(
    draft,
    "Normal",
    "ProvisioningComplete",
    `image provisioning completed for ${writing.image.url}`,
  );
  return go(
    draft,
    "provisioned",
    because("ProvisioningComplete", `${writing.image.url} is on the disk`),
  );
}

function next(draft: Draft): Stop {
  const { memory } = draft;
  if (memory.unproven !== undefined) {
    if (isGivenUp(draft) || isOtherImage(draft)) return giveUp(draft, "the image was given up");
    const { recallUpTo: upToRevision } = memory;
    if (upToRevision !== undefined) {
      return order(draft, { kind: "recall", upToRevision }, "asks the site how the write ended");
    }
    const message = `${memory.unproven}; to erase and write again: kubectl annotate bmh ${draft.snapshot.host.metadata.name} farrier.dev/retry=`;
    return reject(draft, "provisioning error", because("ProvisioningError", message), ["spec"]);
  }
  if (memory.status.errorType === "provisioning error") {
    const left = isDeleting(draft) ? undefined : backoffLeft(draft);
    return left ?? giveUp(draft, memory.status.errorMessage);
  }
  if (isGivenUp(draft)) return giveUp(draft, "the image was given up");
  // A write that failed may be forgotten over a login that did.
  if (needsCleaning(draft)) return giveUp(draft, "something may be on the disks");
  return write(draft);
}

function isOtherImage(draft: Draft): boolean {
  const { lastAttemptedImage } = draft.memory.status;
  const { image } = draft.snapshot.host.spec;
  return lastAttemptedImage !== undefined && !isSameImage(image, lastAttemptedImage);
}

/** Upstream's way out of a failed write: deprovision, then try again from available. */
function giveUp(draft: Draft, message: string): Stop {
  const { memory } = draft;
  if (memory.status.errorType === "provisioning error" && memory.unproven === undefined) {
    memory.status.provisioningFailCount += 1;
  }
  delete memory.unproven;
  delete memory.recallUpTo;
  delete memory.writing;
  memory.allocation = "";
  event(draft, "Normal", "DeprovisioningStarted", message);
  return go(draft, "deprovisioning", because("DeprovisioningStarted", message));
}

const dataPurposes = ["userData", "networkData", "metaData", "preprovisioningNetworkData"] as const;

/** A Secret that was claimed just now gets a new version by that: a write ordered before would start again. */
function secretsSettle(draft: Draft): Stop | undefined {
  const times = dataPurposes.flatMap((purpose) => settlesUntilMs(draft, purpose) ?? []);
  if (times.length === 0) return undefined;
  const why = because("WaitingForSecrets", "the Secrets for the disk are being read");
  return wait(why, ["secret", "spec"], Math.max(...times));
}

function write(draft: Draft): Stop {
  const { memory, snapshot } = draft;
  if (memory.identity === undefined) return look(draft);
  const payload = provisionPayload(draft);
  if (!payload.ok) {
    const why = because("ProvisioningError", payload.error.message);
    if (payload.error.kind === "pending") return wait(why, ["secret", "spec"]);
    return reject(draft, "provisioning error", why, ["spec", "secret"]);
  }
  const settled = secretsSettle(draft);
  if (settled !== undefined) return settled;
  const stop = order(draft, payload.value, `writes ${payload.value.image.url}`);
  if (draft.command !== undefined) {
    const { image, bootMode, rootDeviceHints } = payload.value;
    const allocation = allocationOf(snapshot.host.metadata.uid, payload.value);
    memory.allocation = allocation;
    memory.writing = {
      allocation,
      image,
      bootMode,
      ...(rootDeviceHints === undefined ? {} : { rootDeviceHints }),
    };
  }
  return stop;
}

// Registration: logging in to the BMC and learning what it is. Runs in "registering", and again in any later
// state when the credentials or the address changed; then the state stays as it is.
import type { OperationResult } from "../../protocol/operation.ts";
import {
  because,
  clearErrors,
  event,
  wait,
  type Draft,
  type EndedOperation,
  type Stop,
} from "../draft.ts";
import { isSameJson } from "../document/canonical-json.ts";
import { order } from "../order.ts";
import { failOperation, reject } from "../status/errors.ts";
import { isoTime } from "../status/iso-time.ts";
import { credentialsProblem, registrationErrorType, sealedCredentials } from "./credentials.ts";

type Registered = Extract<OperationResult, { kind: "register" }>;

/** Undefined: registered with the present address and credentials. */
export function register(draft: Draft): Stop | undefined {
  const problem = specProblem(draft) ?? credentialsProblem(draft);
  if (problem !== undefined) return problem;
  const { memory, snapshot } = draft;
  const { status } = memory;
  const place = {
    site: snapshot.site.kind === "site" ? snapshot.site.name : "",
    address: snapshot.host.spec.bmc?.address ?? "",
  };
  const version = sealedCredentials(draft)?.context.secretVersion ?? "";
  const isRegistered =
    isSameJson(memory.registered, place) &&
    isSameJson(status.goodCredentials, credentialsStatus(draft, version));
  if (isRegistered) {
    if (status.errorType === registrationErrorType(draft)) clearErrors(draft);
    return undefined;
  }
  const stop = order(draft, { kind: "register" }, `logs in to the BMC at ${place.address}`);
  if (draft.command !== undefined) {
    memory.registering = place;
    status.triedCredentials = credentialsStatus(draft, version);
    const now = isoTime(snapshot.nowMs);
    status.operationHistory = { ...status.operationHistory, register: { start: now } };
  }
  return stop;
}

/** Invalid past the webhook; or its address was changed to another host's machine, or lost its own to one. */
function specProblem(draft: Draft): Stop | undefined {
  const { invalid, claimConflict } = draft.snapshot;
  const type = registrationErrorType(draft);
  if (invalid.length > 0) {
    return reject(draft, type, because("RegistrationError", invalid.join("; ")), ["spec"]);
  }
  if (claimConflict === undefined) return undefined;
  return reject(draft, type, because("RegistrationError", claimConflict), ["claim", "spec"]);
}

/** Takes in the outcome of a registration; a failure ends the decision. */
export function registrationEnded(draft: Draft, operation: EndedOperation): Stop | undefined {
  const { result, failure } = operation;
  if (failure !== undefined) return failOperation(draft, registrationErrorType(draft), failure);
  if (result?.kind !== "register") return undefined;
  registered(draft, result);
  const tried = draft.memory.status.triedCredentials?.credentialsVersion;
  if (tried === result.credentialsVersion) return undefined;
  // An agent that logs in with other credentials than it was given must not be asked again without pause.
  const message = `the site logged in with version ${result.credentialsVersion} of the Secret, asked was ${tried ?? "none"}`;
  return failOperation(draft, registrationErrorType(draft), {
    kind: "expired",
    message,
    destroyed: false,
  });
}

function registered(draft: Draft, result: Registered): void {
  const { memory, snapshot } = draft;
  const { status } = memory;
  const { host } = snapshot;
  const isFirst = status.provisioning.ID === "";
  if (memory.registering !== undefined) memory.registered = memory.registering;
  delete memory.registering;
  status.goodCredentials = credentialsStatus(draft, result.credentialsVersion);
  status.provisioning.ID = host.metadata.uid;
  status.operationHistory = {
    ...status.operationHistory,
    register: { ...status.operationHistory?.register, end: isoTime(snapshot.nowMs) },
  };
  if (isRegistrationError(draft)) clearErrors(draft);
  if (isFirst) event(draft, "Normal", "Registered", "registered the host with its BMC");
  event(draft, "Normal", "BMCAccessValidated", "verified access to the BMC");
  setProfile(draft);
}

function isRegistrationError(draft: Draft): boolean {
  const type = draft.memory.status.errorType;
  return type === undefined || type === registrationErrorType(draft);
}

function credentialsStatus(draft: Draft, version: string) {
  const { host } = draft.snapshot;
  return {
    credentials: {
      name: host.spec.bmc?.credentialsName ?? "",
      namespace: host.metadata.namespace,
    },
    credentialsVersion: version,
  };
}

/** Sticky, as upstream's: a later edit of spec.hardwareProfile changes nothing. */
function setProfile(draft: Draft): void {
  const { status } = draft.memory;
  if ((status.hardwareProfile ?? "") !== "") return;
  const { spec } = draft.snapshot.host;
  const implied = spec.bmc?.address.startsWith("libvirt") === true ? "libvirt" : "unknown";
  const named = spec.hardwareProfile ?? "";
  status.hardwareProfile = named === "" ? implied : named;
  event(draft, "Normal", "ProfileSet", `the hardware profile is ${status.hardwareProfile}`);
}

/** Waits until Kubernetes shows a state; used by every state before its first operation. */
export function waitForState(draft: Draft): Stop | undefined {
  const shown = draft.snapshot.host.status?.provisioning.state ?? "";
  const { state } = draft.memory.status.provisioning;
  if (shown === state) return undefined;
  return wait(because("WritingState", `waits for Kubernetes to show the state "${state}"`), [
    "write-back",
  ]);
}

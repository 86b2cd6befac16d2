// HOP 4 of 8: snapshot → decision. Pure and total: no clock, no I/O, the same answer for the same snapshot.
// Says what should follow; the statement of hop 5 (control-plane/store) commits it, or takes a new snapshot.
import { copyJson } from "../copy-json.ts";
import { pausedAnnotation } from "../metal3/annotations.ts";
import { recall } from "./adopt.ts";
import { delayed, deletion } from "./concerns/deletion.ts";
import { detach, isDetaching } from "./concerns/detaching.ts";
import { restoreHardware } from "./concerns/hardware.ts";
import { register, registrationEnded, waitForState } from "./concerns/registration.ts";
import { absorb, isEnded, waitForOperation } from "./concerns/running.ts";
import { upkeep } from "./concerns/upkeep.ts";
import type { Decision } from "./decision.ts";
import { buildClaims, buildDocument, stampDocument } from "./document/build-document.ts";
import { isSameJson } from "./document/canonical-json.ts";
import {
  because,
  event,
  isDeleting,
  stateOf,
  wait,
  type Draft,
  type EndedOperation,
  type StateRules,
  type Stop,
} from "./draft.ts";
import type { Snapshot } from "./snapshot.ts";
import type { HostState } from "./state.table.ts";
import { available } from "./states/available.ts";
import { deleting, poweringOff } from "./states/deleting.ts";
import { deprovisioning } from "./states/deprovisioning.ts";
import { inspecting } from "./states/inspecting.ts";
import { preparing } from "./states/preparing.ts";
import { externallyProvisioned, provisioned } from "./states/provisioned.ts";
import { provisioning } from "./states/provisioning.ts";
import { registering } from "./states/registering.ts";
import { unmanaged } from "./states/unmanaged.ts";
import { stampConditions } from "./status/conditions.ts";
import { stamp, stampsAfter } from "./status/stamps.ts";

const rules: Readonly<Record<HostState, StateRules>> = {
  "": unmanaged,
  unmanaged,
  registering,
  inspecting,
  preparing,
  available,
  provisioning,
  provisioned,
  "externally provisioned": externallyProvisioned,
  deprovisioning,
  "powering off before delete": poweringOff,
  deleting,
};

/** States in which the BMC must have been logged in to with the present address and credentials. */
const registeredStates: readonly HostState[] = [
  "inspecting",
  "preparing",
  "available",
  "provisioning",
  "provisioned",
  "externally provisioned",
  "deprovisioning",
];

export function decide(snapshot: Snapshot): Decision {
  const recalled = recall(snapshot);
  const draft: Draft = { snapshot, memory: copyJson(recalled.memory), writes: [] };
  if (snapshot.deleted === true) return gone(draft);
  if (snapshot.host.metadata.annotations?.[pausedAnnotation] !== undefined) return paused(draft);
  if (recalled.kind === "held") return held(draft, recalled.reason);
  if (snapshot.memory === undefined) restoreHardware(draft);
  return finish(draft, run(draft));
}

function run(draft: Draft): Stop {
  const state = stateOf(draft);
  if (state === undefined) {
    const name = JSON.stringify(draft.memory.status.provisioning.state);
    return wait(because("UnknownState", `the state ${name} is not one that this version knows`), [
      "spec",
    ]);
  }
  if (draft.snapshot.forgotten === true) tellRegression(draft);
  upkeep(draft);
  const ended = absorb(draft);
  return (
    deletion(draft) ??
    (ended === undefined ? undefined : takeIn(draft, state, ended)) ??
    detach(draft) ??
    operate(draft, state) ??
    waitFirst(draft) ??
    // A deletion must not hang on a login: its stages fail, and are given up, by themselves.
    (registeredStates.includes(state) && !isDeleting(draft) ? register(draft) : undefined) ??
    rules[state].next(draft)
  );
}

/** What no new work may begin before. */
function waitFirst(draft: Draft): Stop | undefined {
  return delayed(draft) ?? waitForState(draft);
}

function tellRegression(draft: Draft): void {
  const message =
    "the control plane's database went back in time: took over what Kubernetes shows of the host; nothing needs to be done";
  event(draft, "Warning", "EpochRegression", message);
}

function takeIn(draft: Draft, state: HostState, ended: EndedOperation): Stop | undefined {
  const isRegistration = ended.view.kind === "register";
  const stop = isRegistration ? registrationEnded(draft, ended) : rules[state].ended(draft, ended);
  const hasMoved = stateOf(draft) !== state;
  return hasMoved || !isDetaching(draft) ? stop : undefined;
}

/** Waits for the running operation, if the state has a use for it or it cannot be stopped. */
function operate(draft: Draft, state: HostState): Stop | undefined {
  const { operation } = draft.snapshot;
  if (operation === undefined || draft.consumed !== undefined) return undefined;
  const isLogin = operation.kind === "register" && state !== "deleting";
  const stop = waitForOperation(draft, isLogin || rules[state].keeps(draft, operation));
  return state === "deleting" ? undefined : stop;
}

/** Puts the outcome together. */
function finish(draft: Draft, stop: Stop): Decision {
  const { snapshot, memory } = draft;
  stampConditions(draft, stop);
  const document = buildDocument(draft);
  stampDocument(draft, document);
  const isManaged = document !== undefined && snapshot.claimConflict === undefined;
  return {
    memory,
    status: statusToWrite(draft),
    document,
    command: draft.command,
    cancel: draft.cancel,
    consumed: draft.consumed,
    claims: isManaged ? buildClaims(snapshot.host) : [],
    writes: draft.writes,
    next: stop.next,
    because: stop.because,
  };
}

/** Stamps it if anything changed. Undefined: Kubernetes shows this status already. */
function statusToWrite(draft: Draft): Decision["status"] {
  const { snapshot, memory } = draft;
  memory.stamps = stampsAfter(snapshot);
  const undated = (status: object | undefined) => ({ ...status, lastUpdated: undefined });
  const decided = undated(memory.status);
  const isNew = !isSameJson(decided, undated(snapshot.memory?.status));
  if (isNew || memory.status.lastUpdated === undefined) {
    stamp(memory, snapshot);
  }
  return isSameJson(decided, undated(snapshot.host.status)) ? undefined : memory.status;
}

/** Nothing moves while the host is paused, deletion included; the site is told to keep its hands off. */
function paused(draft: Draft): Decision {
  const isKnown = draft.memory.documentHash !== "";
  const document = isKnown ? buildDocument(draft) : undefined;
  stampDocument(draft, document);
  return {
    ...nothing(draft),
    document,
    claims: document === undefined ? [] : buildClaims(draft.snapshot.host),
    next: { kind: "wait", awaited: ["spec"] },
    because: because("Paused", `paused by annotation ${pausedAnnotation}`),
  };
}

/** The status annotation cannot be read: says so, and leaves lastUpdated unset so that a correction counts. */
function held(draft: Draft, reason: string): Decision {
  const { status } = draft.memory;
  status.operationalStatus = "error";
  status.errorType = "registration error";
  status.errorMessage = reason;
  return {
    ...nothing(draft),
    status: isSameJson(status, draft.snapshot.host.status) ? undefined : status,
    next: { kind: "wait", awaited: ["spec"] },
    because: because("InvalidStatusAnnotation", reason),
  };
}

function gone(draft: Draft): Decision {
  delete draft.memory.claimsFromMs;
  stampDocument(draft, undefined);
  const { operation } = draft.snapshot;
  const isRunning = operation !== undefined && !isEnded(operation);
  return {
    ...nothing(draft),
    cancel: isRunning ? operation.id : undefined,
    next: { kind: "gone" },
    because: because("Gone", "the object is gone from Kubernetes"),
  };
}

function nothing(draft: Draft): Omit<Decision, "next" | "because"> {
  return {
    memory: draft.memory,
    status: undefined,
    document: undefined,
    command: undefined,
    cancel: undefined,
    consumed: undefined,
    claims: [],
    writes: [],
  };
}

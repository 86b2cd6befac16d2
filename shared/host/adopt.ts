// Memory for a host that this database does not know: a new hub, a lost or restored database, a host that
// came from another controller. Kubernetes' own status is believed; nothing is switched, booted or written by it.
import { copyJson } from "../copy-json.ts";
import { pausedAnnotation, statusAnnotation } from "../metal3/annotations.ts";
import { bareMetalHostStatus, type BareMetalHostStatus } from "../metal3/bare-metal-host.ts";
import { canonicalJson, sha256Hex } from "./document/canonical-json.ts";
import { pinsOf, inspectionDisabled } from "./concerns/hardware.ts";
import type { HostMemory, Snapshot } from "./snapshot.ts";
import { isLost } from "./status/stamps.ts";
import { readState } from "./state.table.ts";

/**
 * Numbers begin with the hundredths of a second since 2025-01-01: those that are given after an adoption are above all
 * that were given before it, however soon it follows.
 */
const eraMs = 1_735_689_600_000;

/** In this time hosts that are further than registering are adopted, too: one of them may hold the same machine. */
const othersClaimMs = 60_000;

/** Memory's hash of a document that the site may hold from before: it is to be replaced, or removed. */
const unknownDocument = "unknown";

export type Adoption =
  | { readonly kind: "adopted"; readonly memory: HostMemory }
  /** The annotation cannot be read: nothing may be started from a guess. */
  | { readonly kind: "held"; readonly reason: string; readonly memory: HostMemory };

/** Memory of this host, or the one that follows from its own status or status annotation. */
export function recall(snapshot: Snapshot): Adoption {
  const { memory } = snapshot;
  // As upstream: a status that was never saved is none, and the annotation counts.
  if (memory?.status.lastUpdated !== undefined) return { kind: "adopted", memory };
  const shown = snapshot.host.status;
  if (shown?.lastUpdated !== undefined) return adopted(snapshot, shown);
  const text = snapshot.host.metadata.annotations?.[statusAnnotation];
  if (text === undefined || text === "") {
    return { kind: "adopted", memory: memory ?? fresh(snapshot, emptyStatus()) };
  }
  const status = parseStatus(text);
  if (typeof status === "object") return adopted(snapshot, status);
  return { kind: "held", reason: status, memory: fresh(snapshot, emptyStatus()) };
}

/**
 * Whether Kubernetes shows a status that this memory did not decide: a database went back in time, or somebody else led
 * meanwhile. The host is to be forgotten, and adopted. One that is paused waits for that, too.
 */
export function isOvertaken({ host, memory, deleted }: Snapshot): boolean {
  const { annotations } = host.metadata;
  const isHeld = deleted === true || annotations?.[pausedAnnotation] !== undefined;
  if (isHeld || memory?.stamps === undefined) return false;
  return isLost(host.status?.lastUpdated, memory.stamps);
}

/** The status, or what is wrong with the text. */
function parseStatus(text: string): BareMetalHostStatus | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `annotation ${statusAnnotation} is not JSON; correct or remove it`;
  }
  const parsed = bareMetalHostStatus.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `annotation ${statusAnnotation}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is not a status"}; correct or remove it`;
}

function adopted(snapshot: Snapshot, shown: BareMetalHostStatus): Adoption {
  const status = copyJson(shown);
  status.hardware = snapshot.hardware ?? status.hardware;
  if (status.hardware === undefined) delete status.hardware;
  const memory = fresh(snapshot, status);
  const state = readState(status.provisioning.state);
  if (state !== undefined) status.provisioning.state = state;
  memory.documentHash = unknownDocument;
  if (!inspectionDisabled(snapshot.host)) Object.assign(memory, pinsOf(status.hardware));
  if (state === "available") memory.clean = true;
  const url = status.provisioning.image?.url ?? "";
  if (url !== "")
    memory.allocation = sha256Hex(canonicalJson(["adopted", status.provisioning.image]));
  if (state === "registering") memory.claimsFromMs = snapshot.nowMs + othersClaimMs;
  if (state === "provisioning") {
    memory.unproven =
      "the outcome of the write is not known: it was begun before this database knew the host";
    memory.recallUpTo = memory.revision;
  }
  status.lastUpdated ??= new Date(snapshot.nowMs).toISOString();
  return { kind: "adopted", memory };
}

function fresh(snapshot: Snapshot, status: BareMetalHostStatus): HostMemory {
  // Agents know revisions and operations of an earlier database: what follows must count from above them.
  const first = Math.max(0, Math.floor((snapshot.nowMs - eraMs) / 10));
  return {
    status,
    revision: first,
    documentHash: "",
    operationCount: first,
    attempt: 0,
    allocation: "",
  };
}

function emptyStatus(): BareMetalHostStatus {
  return {
    errorCount: 0,
    errorMessage: "",
    goodCredentials: {},
    hardwareProfile: "",
    operationHistory: { register: {}, inspect: {}, provision: {}, deprovision: {} },
    operationalStatus: "",
    poweredOn: false,
    provisioning: { state: "", ID: "", image: { url: "" } },
    provisioningFailCount: 0,
    triedCredentials: {},
  };
}

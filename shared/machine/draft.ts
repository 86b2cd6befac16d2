// A decision of the machine side in the making: copies of memory and status to change, and what has been ordered so
// far. Only decideMachine and decideCluster make and finish drafts.
import type { z } from "zod";
import { infrastructureGroup } from "../capm3/provider.ts";
import type { Metal3ClusterStatus } from "../capm3/v1beta2/metal3-cluster.ts";
import type { Metal3MachineStatus } from "../capm3/v1beta2/metal3-machine.ts";
import { copyJson } from "../copy-json.ts";
import { isoTime } from "../host/status/iso-time.ts";
import { canonicalJson, sha256Hex } from "../host/document/canonical-json.ts";
import type { ProviderResource, WriteBack } from "../protocol/write-back.ts";
import { because, type Because, type StopOf } from "../stop.ts";
import type { MachineDecision, MachineNext } from "./decision.ts";
import type { ClusterSnapshot, MachineMemory, MachineSnapshot } from "./snapshot.ts";

export interface Verdict {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

/** A condition as v1beta1 has it: without a reason where all is well. */
export interface DeprecatedVerdict {
  readonly status: "True" | "False";
  readonly severity?: "Info" | "Warning" | "Error";
  readonly reason?: string;
  readonly message?: string;
}

/** What is to change in the object itself; written as one patch. */
export interface ObjectPatch {
  addFinalizers?: string[];
  removeFinalizers?: string[];
  annotations?: Record<string, string | null>;
  spec?: Record<string, unknown>;
}

interface Draft<S, Status> {
  readonly snapshot: S;
  /** A copy; changed in place. Its status is put in at the end. */
  readonly memory: Omit<MachineMemory, "status">;
  /** A copy; changed in place. */
  readonly status: Status;
  /** By type. What is not judged again stays as it was. */
  readonly verdicts: Map<string, Verdict>;
  readonly deprecated: Map<string, DeprecatedVerdict>;
  readonly patch: ObjectPatch;
  readonly writes: WriteBack[];
  claim?: readonly string[];
  release: boolean;
  /** There is something to tell by an Event: once, until there is something else or nothing. */
  hasTold: boolean;
}
export type MachineDraft = Draft<MachineSnapshot, Metal3MachineStatus>;
export type ClusterDraft = Draft<ClusterSnapshot, Metal3ClusterStatus>;
export type AnyDraft = MachineDraft | ClusterDraft;

/** With no memory of it Kubernetes' own word counts: a lost database, an object of another controller. */
export function makeDraft<S extends MachineSnapshot | ClusterSnapshot, Status extends object>(
  snapshot: S & { readonly object: { readonly status?: Status | undefined } },
  schema: z.ZodType<Status>,
): Draft<S, Status> {
  const { status: remembered, ...memory } = copyJson(snapshot.memory ?? { status: undefined });
  const known = schema.safeParse(remembered);
  return {
    snapshot,
    memory,
    status: known.success ? known.data : copyJson(snapshot.object.status ?? ({} as Status)),
    verdicts: new Map(),
    deprecated: new Map(),
    patch: {},
    writes: [],
    release: false,
    hasTold: false,
  };
}

export { because, settled, wait } from "../stop.ts";
export type Stop = StopOf<MachineNext>;

export function target(draft: AnyDraft): { namespace: string; name: string; uid: string } {
  const { namespace, name, uid } = draft.snapshot.object.metadata;
  return { namespace, name, uid };
}

/** An Event, unless the last decision told the same reason. One of a decision at most. */
export function tell(draft: AnyDraft, type: "Normal" | "Warning", why: Because): void {
  const { memory, snapshot } = draft;
  draft.hasTold = true;
  if (memory.told === why.reason) return;
  memory.told = why.reason;
  const { uid, name } = target(draft);
  const mark = sha256Hex(`${uid} ${snapshot.nowMs} ${why.reason} ${why.message}`);
  draft.writes.push({
    kind: "event",
    ...target(draft),
    about: {
      apiVersion: `${infrastructureGroup}/v1beta2`,
      kind: snapshot.kind === "machine" ? "Metal3Machine" : "Metal3Cluster",
    },
    eventName: `${name.slice(0, 200)}.${why.reason.toLowerCase()}.${mark.slice(0, 10)}`,
    type,
    reason: why.reason,
    message: why.message.slice(0, 1024),
    atMs: snapshot.nowMs,
  });
}

/** Everything but the status. */
function objectWrites(draft: AnyDraft): readonly WriteBack[] {
  const { patch } = draft;
  if (canonicalJson(patch) === "{}") return draft.writes;
  return [
    { kind: "provider-patch", resource: resourceOf(draft), ...target(draft), ...patch },
    ...draft.writes,
  ];
}

/** Puts the outcome together, once the conditions are stamped. */
export function finish(draft: AnyDraft, { next, because: why }: Stop): MachineDecision {
  if (!draft.hasTold) delete draft.memory.told;
  const status = statusWrite(draft);
  return {
    memory: { ...draft.memory, status: { ...draft.status } },
    claim: draft.claim,
    release: draft.release,
    writes: [...objectWrites(draft), ...(status === undefined ? [] : [status])],
    next,
    because: why,
  };
}

/** Stamps lastUpdated if anything changed. Undefined: Kubernetes shows this status already. */
function statusWrite(draft: AnyDraft): WriteBack | undefined {
  const { snapshot, status } = draft;
  const text = (fields: object | undefined) => canonicalJson({ ...fields, lastUpdated: undefined });
  const decided = text(status);
  if (decided !== text(snapshot.memory?.status) || status.lastUpdated === undefined) {
    status.lastUpdated = isoTime(snapshot.nowMs);
  }
  if (decided === text(snapshot.object.status)) return undefined;
  return {
    kind: "provider-status",
    resource: resourceOf(draft),
    ...target(draft),
    status: { ...status },
  };
}

function resourceOf(draft: AnyDraft): ProviderResource {
  return draft.snapshot.kind === "machine" ? "metal3machines" : "metal3clusters";
}

/** Nothing changes and nothing is written. */
export function leave(draft: AnyDraft, { next, because: why }: Stop): MachineDecision {
  return {
    memory: { ...draft.memory, status: { ...draft.status } },
    claim: undefined,
    release: false,
    writes: [],
    next,
    because: why,
  };
}

/** The object is gone from Kubernetes: what it had of a host stays as it is. */
export function gone(): Stop {
  return { next: { kind: "gone" }, because: because("Gone", "the object is gone from Kubernetes") };
}

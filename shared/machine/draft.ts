// A decision of the machine side in the making: copies of memory and status to change, and what has been ordered so
// far. Only the functions that decide make and finish drafts.
import type { z } from "zod";
import type { Metal3ClusterStatus } from "../capm3/v1beta2/metal3-cluster.ts";
import type { Metal3MachineStatus } from "../capm3/v1beta2/metal3-machine.ts";
import { copyJson } from "../copy-json.ts";
import { isoTime } from "../host/status/iso-time.ts";
import { canonicalJson, sha256Hex } from "../host/document/canonical-json.ts";
import type { ProviderResource, WriteBack } from "../protocol/write-back.ts";
import { because, type Because, type StopOf } from "../stop.ts";
import type { MachineDecision, MachineNext } from "./decision.ts";
import { isProgress, tellProgressMs, type ToldStatus } from "./status/progress.ts";
import { flavours, hasLastUpdated, objectKinds, type Flavour } from "./flavour.ts";
import type { ClusterSnapshot, MachineMemory, TakerSnapshot } from "./snapshot.ts";

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

export interface Draft<S, Status> {
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
/** Of whatever kind takes a host; the status is that of a Metal3Machine, as a paper to work on. */
export type MachineDraft = Draft<TakerSnapshot, Metal3MachineStatus>;
export type ClusterDraft = Draft<ClusterSnapshot, Metal3ClusterStatus>;
export type AnyDraft = MachineDraft | ClusterDraft;

export function flavourOf({ snapshot }: MachineDraft): Flavour {
  return flavours[snapshot.resource];
}

/** What orders and Events need of any draft. */
type Ordering = Omit<Draft<Named, object>, "status">;
interface Named {
  readonly nowMs: number;
  readonly resource: ProviderResource;
  readonly object: { readonly metadata: TakerSnapshot["object"]["metadata"] };
}

/** With no memory of it Kubernetes' own word counts: a lost database, an object of another controller. */
export function makeDraft<S extends TakerSnapshot | ClusterSnapshot, Status extends object>(
  snapshot: S & { readonly object: { readonly status?: Status | undefined } },
  schema: z.ZodType<Status>,
): Draft<S, Status> {
  const known = schema.safeParse(snapshot.memory?.status);
  const shown = copyJson(snapshot.object.status ?? ({} as Status));
  return startDraft(snapshot, known.success ? known.data : shown);
}

export function startDraft<S extends { readonly memory: MachineMemory | undefined }, Status>(
  snapshot: S,
  status: Status,
): Draft<S, Status> {
  const { status: _remembered, ...memory } = copyJson(snapshot.memory ?? { status: undefined });
  return {
    snapshot,
    memory,
    status,
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

export function target(draft: Ordering): { namespace: string; name: string; uid: string } {
  const { namespace, name, uid } = draft.snapshot.object.metadata;
  return { namespace, name, uid };
}

/** An Event, unless the last decision told the same reason. One of a decision at most. */
export function tell(draft: Ordering, type: "Normal" | "Warning", why: Because): void {
  const { memory, snapshot } = draft;
  draft.hasTold = true;
  if (memory.told === why.reason) return;
  memory.told = why.reason;
  const { uid, name } = target(draft);
  const mark = sha256Hex(`${uid} ${snapshot.nowMs} ${why.reason} ${why.message}`);
  draft.writes.push({
    kind: "event",
    ...target(draft),
    about: objectKinds[snapshot.resource],
    eventName: `${name.slice(0, 200)}.${why.reason.toLowerCase()}.${mark.slice(0, 10)}`,
    type,
    reason: why.reason,
    message: why.message.slice(0, 1024),
    atMs: snapshot.nowMs,
  });
}

/** Everything but the status. */
function objectWrites(draft: Ordering): readonly WriteBack[] {
  const { patch } = draft;
  if (canonicalJson(patch) === "{}") return draft.writes;
  return [
    { kind: "provider-patch", resource: draft.snapshot.resource, ...target(draft), ...patch },
    ...draft.writes,
  ];
}

type Told = Draft<
  Named & {
    readonly memory: MachineMemory | undefined;
    readonly object: { readonly status?: object | undefined };
  },
  object
>;

/** Puts the outcome together, once the conditions are stamped. */
export function finish(draft: Told, { next, because: why }: Stop): MachineDecision {
  if (!draft.hasTold) delete draft.memory.told;
  const { status, untilMs } = statusToTell(draft);
  const write = statusWrite(draft, status);
  return {
    memory: { ...draft.memory, status },
    claim: draft.claim,
    release: draft.release,
    writes: [...objectWrites(draft), ...(write === undefined ? [] : [write])],
    next: untilMs === undefined ? next : notAfter(next, untilMs),
    because: why,
  };
}

type Stamped = Record<string, unknown> & ToldStatus & { lastUpdated?: string };
const textOf = (fields: object | undefined) => canonicalJson({ ...fields, lastUpdated: undefined });

/** Stamps lastUpdated if anything changed. Mere progress is told some seconds after what was told last. */
function statusToTell(draft: Told): { status: Stamped; untilMs?: number } {
  const { snapshot, status } = draft;
  const last: Stamped = snapshot.memory?.status ?? { ...snapshot.object.status };
  const decided: Stamped = { ...status };
  if (!hasLastUpdated[snapshot.resource]) return { status: decided };
  const isTold = last.lastUpdated !== undefined;
  if (isTold && textOf(decided) === textOf(last)) return { status: last };
  const { creationTimestamp = "" } = snapshot.object.metadata;
  const sinceMs = Date.parse(last.lastUpdated ?? creationTimestamp);
  // A time that a clock ahead of this one wrote holds nothing back.
  const isNew = Math.abs(snapshot.nowMs - sinceMs) < tellProgressMs;
  if (isNew && isProgress(isTold ? last : undefined, decided))
    return { status: last, untilMs: sinceMs + tellProgressMs };
  return { status: { ...decided, lastUpdated: isoTime(snapshot.nowMs) } };
}

/** Undefined: Kubernetes shows this status already. */
function statusWrite(draft: Told, status: Stamped): WriteBack | undefined {
  const { resource, object } = draft.snapshot;
  if (textOf(status) === textOf(object.status)) return undefined;
  return { kind: "provider-status", resource, ...target(draft), status };
}

export function notAfter(next: MachineNext, atMs: number): MachineNext {
  if (next.kind === "gone") return next;
  const awaited = next.kind === "wait" ? next.awaited : (["object"] as const);
  const earlier = next.kind === "wait" ? (next.wakeAtMs ?? atMs) : atMs;
  return { kind: "wait", awaited, wakeAtMs: Math.min(earlier, atMs) };
}

/** Nothing changes and nothing is written. */
export function leave(
  draft: Omit<Draft<unknown, object>, "snapshot">,
  { next, because: why }: Stop,
): MachineDecision {
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

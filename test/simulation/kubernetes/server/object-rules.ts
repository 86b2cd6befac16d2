// What becomes of an object that is sent to a kube-apiserver before it is stored: which fields the server sets, which
// it keeps, when generation rises, what the status subresource may change, what is refused. Stores nothing.
import type { KubernetesAnswer, KubernetesRequest } from "../../../../site-agent/cluster/port.ts";
import type { KubernetesObject } from "../../world/events.ts";
import { isEqual, isObject, mergePatch, received, withoutEmpty } from "./frozen-json.ts";
import type { Json } from "./frozen-json.ts";
import type { Draft } from "./object-store.ts";
import { namespaces, secrets } from "./resources.table.ts";
import type { Resource, Target } from "./resources.table.ts";
import { conflict, invalid, modified, refusal } from "./status-answers.ts";
import { admit } from "./structural-schema.ts";

export type Ruled =
  | { readonly ok: true; readonly draft: Draft }
  | { readonly ok: false; readonly answer: KubernetesAnswer };

export interface Birth {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly uid: string;
  readonly atMs: number;
}

/** A new object, as it will be stored if admission has nothing against it. */
export function created(resource: Resource, sent: Json, birth: Birth): Ruled {
  const { custom, kind, apiVersion } = resource;
  const { name, namespace, uid, atMs } = birth;
  const { resourceVersion: _version, deletionTimestamp: _deleted, ...given } = metadataOf(sent);
  const metadata = withoutEmpty({
    ...given,
    name,
    namespace,
    uid,
    generation: custom === undefined ? undefined : 1,
    creationTimestamp: timestamp(atMs),
  });
  const { status, ...rest } = sent;
  const isStatusKept = custom?.hasStatus !== true && status !== undefined;
  const draft = { ...rest, ...(isStatusKept ? { status } : {}), apiVersion, kind, metadata };
  return checked(resource, completed(resource, draft as unknown as Draft), undefined);
}

/** The object after a PUT or PATCH. */
export function updated(
  { resource, name = "", isStatus }: Target,
  before: KubernetesObject,
  { method, patch, body }: KubernetesRequest,
): Ruled {
  if (!isObject(body)) return { ok: false, answer: refusal(400, "the body is no object") };
  if (method === "PATCH" && patch !== "merge") {
    throw new Error(`the simulated API server cannot do a patch of kind ${patch ?? "none"}`);
  }
  const isPut = method === "PUT";
  const wanted = (isPut ? body : mergePatch(before, body)) as Json;
  const refused = refusedMetadata(resource, before, { wanted, isPut });
  if (refused !== undefined) return { ok: false, answer: refused };
  const draft = merged(resource, before, { wanted, isStatus });
  const added = finalizersOf(draft).filter((each) => !finalizersOf(before).includes(each));
  if (before.metadata.deletionTimestamp !== undefined && added.length > 0) {
    const why = `no new finalizers can be added if the object is being deleted, found ${added.join(", ")}`;
    const problem = `metadata.finalizers: Forbidden: ${why}`;
    return { ok: false, answer: invalid(resource, name, [problem]) };
  }
  return checked(resource, resource === secrets ? asSecret(draft) : draft, before);
}

interface Wanted {
  readonly wanted: Json;
  readonly isPut: boolean;
}

function refusedMetadata(
  resource: Resource,
  before: KubernetesObject,
  { wanted, isPut }: Wanted,
): KubernetesAnswer | undefined {
  const { name, uid, resourceVersion } = before.metadata;
  const given = metadataOf(wanted);
  if (given["name"] !== name) {
    return refusal(400, `the name of the object (${String(given["name"])}) does not match the URL`);
  }
  const isOther = given["uid"] !== undefined && given["uid"] !== uid;
  if (isPut && isOther) return conflict(resource, name, uidMismatch(String(given["uid"]), uid));
  if (isPut && given["resourceVersion"] === undefined && resource.custom !== undefined) {
    const why = "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update";
    return invalid(resource, name, [why]);
  }
  if (given["resourceVersion"] !== undefined && given["resourceVersion"] !== resourceVersion) {
    return conflict(resource, name, modified);
  }
  if (!isOther) return undefined;
  const why = `metadata.uid: Invalid value: "${String(given["uid"])}": field is immutable`;
  return invalid(resource, name, [why]);
}

export function uidMismatch(wanted: string, actual: string): string {
  return `StorageError: invalid object, Code: 4, AdditionalErrorMsg: Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${actual}`;
}

const serverFields = [
  "namespace",
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
];

/** What the sender may change; everything else stays as it is. */
function merged(
  { custom, apiVersion, kind }: Resource,
  before: KubernetesObject,
  { wanted, isStatus }: { readonly wanted: Json; readonly isStatus: boolean },
): Draft {
  if (isStatus) return { ...before, status: wanted["status"] as Json };
  const kept = Object.fromEntries(serverFields.map((field) => [field, before.metadata[field]]));
  const metadata = withoutEmpty({ ...metadataOf(wanted), ...kept });
  const { status: sent, ...rest } = wanted;
  const status = custom?.hasStatus === true ? before.status : sent;
  const draft = {
    ...rest,
    ...(status === undefined ? {} : { status }),
    apiVersion,
    kind,
    metadata,
  };
  return draft as unknown as Draft;
}

/** Pruning, defaults and validation of what changed, then the generation. */
function checked(resource: Resource, draft: Draft, before: KubernetesObject | undefined): Ruled {
  const { custom } = resource;
  if (custom === undefined) return { ok: true, draft: received(draft) };
  const { apiVersion, kind, metadata } = draft;
  const known: Record<string, unknown> = { apiVersion, kind, metadata };
  const problems: string[] = [];
  for (const field of ["spec", "status"]) {
    const schema = custom.schema.properties?.[field];
    const value = draft[field];
    if (value === undefined || schema === undefined) continue;
    if (value === before?.[field]) known[field] = value;
    else {
      const admitted = admit(schema, value, field);
      known[field] = received(admitted.value);
      problems.push(...admitted.problems);
    }
  }
  const { name } = metadata;
  if (problems.length > 0) return { ok: false, answer: invalid(resource, name, problems) };
  return { ok: true, draft: received(withGeneration(known as unknown as Draft, before, custom)) };
}

/** It counts changes of everything but metadata and, where that is a subresource, status. */
function withGeneration(
  draft: Draft,
  before: KubernetesObject | undefined,
  { hasStatus }: NonNullable<Resource["custom"]>,
): Draft {
  if (before === undefined) return draft;
  const isSame =
    isEqual(draft.spec, before.spec) && (hasStatus || isEqual(draft.status, before.status));
  if (isSame) return draft;
  const generation = (before.metadata.generation ?? 0) + 1;
  return { ...draft, metadata: { ...draft.metadata, generation } };
}

/** As when deletion begins: what still has finalizers stays, marked. */
export function markedDeleting(before: KubernetesObject, atMs: number): Draft {
  const { metadata, status } = before;
  const { generation } = metadata;
  const deletionTimestamp = timestamp(atMs);
  if (before.kind === namespaces.kind) {
    const terminating = { ...status, phase: "Terminating" };
    return { ...before, metadata: { ...metadata, deletionTimestamp }, status: terminating };
  }
  return {
    ...before,
    metadata: {
      ...metadata,
      ...(generation === undefined ? {} : { generation: generation + 1 }),
      deletionTimestamp,
      deletionGracePeriodSeconds: 0,
    },
  };
}

/** Nothing keeps it any more. */
export function isReleased(draft: Draft): boolean {
  const isHeld = draft.kind === namespaces.kind && draft.spec?.["finalizers"] !== undefined;
  return (
    draft.metadata.deletionTimestamp !== undefined && finalizersOf(draft).length === 0 && !isHeld
  );
}

function finalizersOf({ metadata }: Draft): readonly string[] {
  return metadata.finalizers ?? [];
}

function metadataOf({ metadata }: Json): Json {
  return isObject(metadata) ? metadata : {};
}

/** In whole seconds. */
function timestamp(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
}

/** What the server adds to a new Secret or Namespace. */
function completed(resource: Resource, draft: Draft): Draft {
  if (resource === secrets) return asSecret(draft);
  if (resource !== namespaces) return draft;
  const { metadata } = draft;
  const labels = {
    "kubernetes.io/metadata.name": metadata.name,
    ...(metadata["labels"] as Json | undefined),
  };
  return {
    ...draft,
    metadata: { ...metadata, labels },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  };
}

function asSecret(draft: Draft): Draft {
  const {
    stringData = {},
    data = {},
    ...rest
  } = draft as Draft & {
    readonly stringData?: Readonly<Record<string, string>>;
    readonly data?: Readonly<Record<string, string>>;
  };
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(value).toString("base64"),
  ]);
  const all = { ...data, ...Object.fromEntries(encoded) };
  const secret = { type: "Opaque", ...rest, ...withoutEmpty({ data: all }) };
  return secret as unknown as Draft;
}

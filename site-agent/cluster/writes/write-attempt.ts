// One request of a write-back and what its answer means; reading the object that a write is about.
import { z } from "zod";
import { objectKinds } from "../../../shared/machine/flavour.ts";
import type { ProviderResource } from "../../../shared/protocol/write-back.ts";
import type { KubernetesAnswer, KubernetesApi, KubernetesRequest } from "../port.ts";

/** `retry` false: trying again cannot help. A conflict: it was changed since it was read, and helps at once. */
export type WriteOutcome =
  | { ok: true }
  | { ok: false; message: string; retry: boolean; isConflict?: boolean };

export const fieldManager = "farrier";
export const hostApi = "metal3.io/v1alpha1";

const metadataObject = z.looseObject({
  metadata: z.looseObject({
    uid: z.string(),
    resourceVersion: z.string(),
    finalizers: z.array(z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    ownerReferences: z
      .array(z.looseObject({ kind: z.string(), name: z.string().optional(), uid: z.string() }))
      .optional(),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.looseObject({}).optional(),
});
const refusal = z.looseObject({ message: z.string() });
export type Fetched = z.infer<typeof metadataObject>;

interface Named {
  readonly namespace: string;
  readonly name: string;
}
interface Target extends Named {
  readonly uid: string;
}

export function hostPath({ namespace, name }: Named): string {
  return `/apis/${hostApi}/namespaces/${namespace}/baremetalhosts/${name}`;
}

export function providerPath(resource: ProviderResource, { namespace, name }: Named): string {
  const [plural] = resource.split(".");
  return `/apis/${objectKinds[resource].apiVersion}/namespaces/${namespace}/${plural}/${name}`;
}

export function secretPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${namespace}/secrets/${encodeURIComponent(name)}`;
}

/** Sends and reads the answer: 404 is done, 409 is worth another try, other refusals are not. */
export async function attempt(
  api: Pick<KubernetesApi, "request">,
  request: KubernetesRequest,
  onDone?: (object: Fetched) => void,
): Promise<WriteOutcome> {
  const answer = await api.request(request);
  if (!answer.ok) return { ok: false, message: answer.error.message, retry: true };
  const { status, body } = answer.value;
  const object = onDone && status < 300 ? metadataObject.safeParse(body).data : undefined;
  if (object !== undefined) onDone?.(object);
  return outcomeOf(answer.value);
}

function outcomeOf({ status, body }: KubernetesAnswer): WriteOutcome {
  if (status < 300 || status === 404) return { ok: true };
  const message = refusal.safeParse(body).data?.message ?? "no message";
  const isConflict = status === 409;
  const retry = isConflict || status === 429 || status >= 500;
  return { ok: false, message: `Kubernetes answered ${status}: ${message}`, retry, isConflict };
}

type FetchResult = { ok: true; object: Fetched | undefined } | { ok: false; outcome: WriteOutcome };

export async function fetchObject(api: KubernetesApi, path: string): Promise<FetchResult> {
  const answer = await api.request({ method: "GET", path });
  if (!answer.ok)
    return { ok: false, outcome: { ok: false, message: answer.error.message, retry: true } };
  if (answer.value.status === 404) return { ok: true, object: undefined };
  if (answer.value.status !== 200) return { ok: false, outcome: outcomeOf(answer.value) };
  const parsed = metadataObject.safeParse(answer.value.body);
  return parsed.success
    ? { ok: true, object: parsed.data }
    : { ok: false, outcome: { ok: false, message: `${path} is not an object`, retry: false } };
}

/** The host if it is still the one that was meant; else the outcome: gone or replaced is done. */
export async function fetchHost(api: KubernetesApi, target: Target): Promise<TargetResult> {
  return await fetchTarget(api, hostPath(target), target.uid);
}

type TargetResult = { ok: true; object: Fetched } | { ok: false; outcome: WriteOutcome };

export async function fetchTarget(
  api: KubernetesApi,
  path: string,
  uid: string,
): Promise<TargetResult> {
  const found = await fetchObject(api, path);
  if (!found.ok) return found;
  const { object } = found;
  return object?.metadata.uid === uid ? { ok: true, object } : { ok: false, outcome: { ok: true } };
}

interface Change {
  readonly metadata?: object;
  readonly spec?: object;
}

/** Merges, on the condition that the object is still as it was fetched. */
export async function mergeInto(
  api: KubernetesApi,
  path: string,
  fetched: Fetched,
  change: Change,
): Promise<WriteOutcome> {
  return await attempt(api, mergeRequest(path, fetched, change));
}

export function mergeRequest(path: string, { metadata }: Fetched, change: Change) {
  const { uid, resourceVersion } = metadata;
  return {
    method: "PATCH",
    path: `${path}?fieldManager=${fieldManager}`,
    patch: "merge",
    body: { ...change, metadata: { uid, resourceVersion, ...change.metadata } },
  } as const;
}

// Metadata, spec fields and the status of an object of the machine side: read, changed only where it differs, bound
// to the version that was read.
import { canonicalJson } from "../../../shared/host/document/canonical-json.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import { finalizersAfter } from "./finalizers-after.ts";
import { wouldChange } from "./would-change.ts";
import {
  attempt,
  fetchTarget,
  fieldManager,
  mergeInto,
  providerPath,
  type WriteOutcome,
} from "./write-attempt.ts";

type Patch = Extract<WriteBack, { kind: "provider-patch" }>;
type Status = Extract<WriteBack, { kind: "provider-status" }>;

export async function writeProviderPatch(api: KubernetesApi, write: Patch): Promise<WriteOutcome> {
  const path = providerPath(write.resource, write);
  const found = await fetchTarget(api, path, write.uid);
  if (!found.ok) return found.outcome;
  const { metadata: held, spec: heldSpec } = found.object;
  const { labels, annotations, spec } = write;
  const finalizers = finalizersAfter(write, held);
  const metadata = {
    ...(finalizers === undefined ? {} : { finalizers }),
    ...(wouldChange(held.labels, labels) ? { labels } : {}),
    ...(wouldChange(held.annotations, annotations) ? { annotations } : {}),
  };
  const change = { metadata, ...(wouldChange(heldSpec, spec) ? { spec: spec ?? {} } : {}) };
  const isAsWanted = Object.keys(metadata).length === 0 && !("spec" in change);
  return isAsWanted ? { ok: true } : await mergeInto(api, path, found.object, change);
}

/** Replaces the whole status, as a host's is. */
export async function writeProviderStatus(
  api: KubernetesApi,
  write: Status,
): Promise<WriteOutcome> {
  const path = providerPath(write.resource, write);
  const found = await fetchTarget(api, path, write.uid);
  if (!found.ok) return found.outcome;
  const { object } = found;
  if (canonicalJson(object["status"] ?? {}) === canonicalJson(write.status)) return { ok: true };
  return await attempt(api, {
    method: "PUT",
    path: `${path}/status?fieldManager=${fieldManager}`,
    body: { ...object, status: write.status },
  });
}

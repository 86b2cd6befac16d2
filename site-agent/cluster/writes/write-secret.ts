// Marking a Secret as used by a host (label for the watch; for BMC credentials also owner and finalizer), and
// letting go of it; other labels that somebody wants there.
import { z } from "zod";
import { isSameJson } from "../../../shared/host/document/canonical-json.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import type { Relabelled } from "../secrets/secret-versions.ts";
import { wouldChange } from "./would-change.ts";
import {
  attempt,
  fetchHost,
  fetchObject,
  mergeRequest,
  secretPath,
  type WriteOutcome,
} from "./write-attempt.ts";

type Claim = Extract<WriteBack, { kind: "claim-secret" }>;
type Release = Extract<WriteBack, { kind: "release-secret" }>;
type Label = Extract<WriteBack, { kind: "label-secret" }>;

const label = "environment.metal3.io";
const finalizer = "baremetalhost.metal3.io/secret";

const claimed = z.looseObject({
  labels: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  ownerReferences: z.array(z.looseObject({ uid: z.string() })).optional(),
  deletionTimestamp: z.string().optional(),
  resourceVersion: z.string(),
});

/**
 * A label of that key with another value is left alone; a Secret being deleted gets no finalizer. A host that is
 * gone owns nothing: Kubernetes would delete the Secret after it.
 */
export async function claimSecret(api: KubernetesApi, write: Claim): Promise<WriteOutcome> {
  const path = secretPath(write.namespace, write.secretName);
  const found = await fetchObject(api, path);
  if (!found.ok) return found.outcome;
  if (found.object === undefined) return { ok: true };
  const metadata = claimed.parse(found.object.metadata);
  const patch = claimPatch(write, metadata);
  if (Object.keys(patch).length === 0) return { ok: true };
  const host = await fetchHost(api, write);
  if (!host.ok) return host.outcome;
  return await attempt(api, {
    method: "PATCH",
    path,
    patch: "merge",
    body: { metadata: { resourceVersion: metadata.resourceVersion, ...patch } },
  });
}

function claimPatch(write: Claim, metadata: z.infer<typeof claimed>) {
  const { labels = {}, finalizers = [], ownerReferences = [] } = metadata;
  const wantsOwner = write.purpose === "bmc" && metadata.deletionTimestamp === undefined;
  const owned = ownerReferences.some((owner) => owner.uid === write.uid);
  return {
    ...(label in labels ? {} : { labels: { [label]: "baremetal" } }),
    ...(wantsOwner && !finalizers.includes(finalizer)
      ? { finalizers: [...finalizers, finalizer] }
      : {}),
    ...(wantsOwner && !owned ? { ownerReferences: [...ownerReferences, ownerOf(write)] } : {}),
  };
}

function ownerOf(write: Claim) {
  return {
    apiVersion: "metal3.io/v1alpha1",
    kind: "BareMetalHost",
    name: write.name,
    uid: write.uid,
  };
}

/** Removes the finalizer, so that the Secret can go with its host. Other owners keep theirs. */
export async function releaseSecret(api: KubernetesApi, write: Release): Promise<WriteOutcome> {
  const path = secretPath(write.namespace, write.secretName);
  const found = await fetchObject(api, path);
  if (!found.ok) return found.outcome;
  if (found.object === undefined) return { ok: true };
  const {
    finalizers = [],
    ownerReferences = [],
    resourceVersion,
  } = claimed.parse(found.object.metadata);
  const shared = ownerReferences.some(
    (owner) => owner.uid !== write.uid && owner["kind"] === "BareMetalHost",
  );
  if (!finalizers.includes(finalizer) || shared) return { ok: true };
  return await attempt(api, {
    method: "PATCH",
    path,
    patch: "merge",
    body: {
      metadata: { resourceVersion, finalizers: finalizers.filter((each) => each !== finalizer) },
    },
  });
}

/** @param onLabelled is told of a version that has other labels than the one before, and nothing else */
export async function labelSecret(
  api: KubernetesApi,
  write: Label,
  onLabelled: (change: Relabelled) => void,
): Promise<WriteOutcome> {
  const path = secretPath(write.namespace, write.secretName);
  const found = await fetchObject(api, path);
  if (!found.ok) return found.outcome;
  const { labels } = write;
  const { object } = found;
  if (object === undefined || !wouldChange(object.metadata.labels, labels)) return { ok: true };
  const host = await fetchHost(api, write);
  if (!host.ok) return host.outcome;
  const request = mergeRequest(path, object, { metadata: { labels } });
  return await attempt(api, request, (merged) => {
    const { uid, resourceVersion: from } = object.metadata;
    const isSame = isSameJson(object["data"] ?? {}, merged["data"] ?? {});
    if (isSame) onLabelled({ uid, from, to: merged.metadata.resourceVersion });
  });
}

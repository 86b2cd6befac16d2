// Finalizers, annotations and the architecture of a host: read, changed only where it differs, bound to the
// version that was read.
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import { attempt, fetchHost, fieldManager, hostPath, type WriteOutcome } from "./write-attempt.ts";

type MetadataWrite = Extract<WriteBack, { kind: "metadata" }>;
type ArchitectureWrite = Extract<WriteBack, { kind: "architecture" }>;

export async function writeMetadata(
  api: KubernetesApi,
  write: MetadataWrite,
): Promise<WriteOutcome> {
  const found = await fetchHost(api, write);
  if (!found.ok) return found.outcome;
  const { metadata } = found.host;
  const change = metadataChange(write, metadata);
  if (change === undefined) return { ok: true };
  return await attempt(api, {
    method: "PATCH",
    path: `${hostPath(write)}?fieldManager=${fieldManager}`,
    patch: "merge",
    body: {
      metadata: {
        uid: write.uid,
        resourceVersion: metadata.resourceVersion,
        ...change,
      },
    },
  });
}

interface Metadata {
  readonly finalizers?: readonly string[] | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Undefined when everything is as wanted. */
function metadataChange(write: MetadataWrite, { finalizers = [], annotations = {} }: Metadata) {
  const removed = new Set(write.removeFinalizers ?? []);
  const kept = finalizers.filter((each) => !removed.has(each));
  const added = (write.addFinalizers ?? []).filter((each) => !kept.includes(each));
  const unwanted = (write.removeAnnotations ?? []).filter((key) => key in annotations);
  if (kept.length === finalizers.length && added.length === 0 && unwanted.length === 0)
    return undefined;
  return {
    finalizers: [...kept, ...added],
    ...(unwanted.length === 0
      ? {}
      : { annotations: Object.fromEntries(unwanted.map((key) => [key, null])) }),
  };
}

export async function writeArchitecture(
  api: KubernetesApi,
  write: ArchitectureWrite,
): Promise<WriteOutcome> {
  const found = await fetchHost(api, write);
  if (!found.ok) return found.outcome;
  const { metadata, spec } = found.host;
  const current = spec?.["architecture"];
  if (current !== undefined && current !== "") return { ok: true };
  return await attempt(api, {
    method: "PATCH",
    path: `${hostPath(write)}?fieldManager=${fieldManager}`,
    patch: "merge",
    body: {
      metadata: { uid: write.uid, resourceVersion: metadata.resourceVersion },
      spec: { architecture: write.architecture },
    },
  });
}

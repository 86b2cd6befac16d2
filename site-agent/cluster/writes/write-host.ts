// Finalizers, annotations and the architecture of a host: read, changed only where it differs, bound to the
// version that was read.
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import { finalizersAfter } from "./finalizers-after.ts";
import {
  fetchHost,
  hostPath,
  mergeInto,
  type Fetched,
  type WriteOutcome,
} from "./write-attempt.ts";

type MetadataWrite = Extract<WriteBack, { kind: "metadata" }>;
type ArchitectureWrite = Extract<WriteBack, { kind: "architecture" }>;

export async function writeMetadata(
  api: KubernetesApi,
  write: MetadataWrite,
): Promise<WriteOutcome> {
  const found = await fetchHost(api, write);
  if (!found.ok) return found.outcome;
  const metadata = metadataChange(write, found.object.metadata);
  if (Object.keys(metadata).length === 0) return { ok: true };
  return await mergeInto(api, hostPath(write), found.object, { metadata });
}

function metadataChange(write: MetadataWrite, metadata: Fetched["metadata"]): object {
  const { annotations = {} } = metadata;
  const finalizers = finalizersAfter(write, metadata);
  const unwanted = (write.removeAnnotations ?? []).filter((key) => key in annotations);
  return {
    ...(finalizers === undefined ? {} : { finalizers }),
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
  const current = found.object.spec?.["architecture"];
  if (current !== undefined && current !== "") return { ok: true };
  const { architecture } = write;
  return await mergeInto(api, hostPath(write), found.object, { spec: { architecture } });
}

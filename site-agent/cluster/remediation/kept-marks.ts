// What a Machine keeps of its Node while it is remediated: labels and annotations, in annotations of its own, as JSON.
import { parseJsonObject } from "../../../shared/metal3/annotations.ts";
import {
  keptAnnotationsAnnotation,
  keptLabelsAnnotation,
} from "../../../shared/openshift/annotations.ts";
import type { KubernetesApi } from "../port.ts";
import type { WorkloadNode } from "../nodes/workload-node.ts";
import { wouldChange } from "../writes/would-change.ts";
import { mergeInto, type Fetched, type WriteOutcome } from "../writes/write-attempt.ts";

type Strings = Readonly<Record<string, string>>;
export type KeptMarks = Pick<WorkloadNode, "labels" | "annotations">;

export async function keepMarks(
  api: KubernetesApi,
  path: string,
  machine: Fetched,
  { labels, annotations }: KeptMarks,
): Promise<WriteOutcome> {
  const kept = {
    [keptLabelsAnnotation]: JSON.stringify(labels),
    [keptAnnotationsAnnotation]: JSON.stringify(annotations),
  };
  if (!wouldChange(machine.metadata.annotations, kept)) return { ok: true };
  return await mergeInto(api, path, machine, { metadata: { annotations: kept } });
}

/** What cannot be read is nothing. */
export function keptMarks({ metadata: { annotations } }: Pick<Fetched, "metadata">): KeptMarks {
  return {
    labels: strings(annotations?.[keptLabelsAnnotation]),
    annotations: strings(annotations?.[keptAnnotationsAnnotation]),
  };
}

function strings(text = ""): Strings {
  const fields = Object.entries(parseJsonObject(text) ?? {});
  return Object.fromEntries(
    fields.flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : [])),
  );
}

// What the Node of a Machine of OpenShift carries because of it: the Machine's name, the labels and taints of its spec.
import type { WriteBack } from "../protocol/write-back.ts";
import { machineAnnotation } from "./annotations.ts";
import type { OpenShiftMachine } from "./machine.ts";

type Marks = NonNullable<Extract<WriteBack, { kind: "link-node" }>["marks"]>;

export function nodeMarks({ metadata, spec }: OpenShiftMachine): Marks {
  return {
    labels: { ...spec.metadata?.labels },
    annotations: { [machineAnnotation]: `${metadata.namespace}/${metadata.name}` },
    taints: (spec.taints ?? []).map(({ key, value, effect }) => ({
      key,
      effect,
      ...(value === undefined ? {} : { value }),
    })),
  };
}

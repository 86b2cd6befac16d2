// What a Machine's annotations say about its remediation: asked for from outside, and how far it is. Whoever keeps
// OpenShift's Machines reads and writes the same ones, so that a cluster may change hands in the middle.
import {
  keptAnnotationsAnnotation,
  keptLabelsAnnotation,
  poweredOffAnnotation,
  remediationAnnotation,
  timeoutAnnotation,
} from "../annotations.ts";
import type { OpenShiftMachine } from "../machine.ts";

export interface Remediation {
  readonly isWanted: boolean;
  /** Its host was off, and its Node is gone. */
  readonly isOff: boolean;
  /** Epoch ms; undefined: it is not said yet, or in words that are no time. */
  readonly untilMs: number | undefined;
  /** It keeps what its Node had. */
  readonly hasKept: boolean;
}

export function readRemediation({
  metadata: { annotations = {} },
}: Pick<OpenShiftMachine, "metadata">): Remediation {
  const untilMs = Date.parse(annotations[timeoutAnnotation] ?? "");
  return {
    isWanted: annotations[remediationAnnotation] !== undefined,
    isOff: annotations[poweredOffAnnotation] !== undefined,
    untilMs: Number.isNaN(untilMs) ? undefined : untilMs,
    hasKept:
      annotations[keptLabelsAnnotation] !== undefined ||
      annotations[keptAnnotationsAnnotation] !== undefined,
  };
}

/** All of them. */
export const nothingAsked: Readonly<Record<string, null>> = {
  [remediationAnnotation]: null,
  [poweredOffAnnotation]: null,
  [timeoutAnnotation]: null,
  [keptLabelsAnnotation]: null,
  [keptAnnotationsAnnotation]: null,
};

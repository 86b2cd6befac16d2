// What a Node lacks of the marks that its machine gives it, as a merge patch. What is there already stays: a providerID
// is for ever, and nothing that somebody else put there goes.
import { hostUidLabel } from "../../../shared/machine/consumer/missing-node.ts";
import type { KeptMarks } from "../remediation/kept-marks.ts";
import type { LinkNode } from "./link-node.ts";
import type { NodeTaint, WorkloadNode } from "./workload-node.ts";

interface Patch {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly providerID?: string; readonly taints?: readonly NodeTaint[] };
}

/** What was kept of the Node before comes only where the new one has nothing of that name. Undefined: nothing. */
export function missingMarks(
  node: WorkloadNode,
  write: LinkNode,
  kept: KeptMarks = { labels: {}, annotations: {} },
): Patch | undefined {
  const { labels = {}, annotations = {}, taints = [] } = write.marks ?? {};
  const host = node.labels[hostUidLabel] === undefined ? { [hostUidLabel]: write.hostUid } : {};
  const added = taints.filter((taint) => !node.taints.some((held) => isSame(held, taint)));
  const patch = {
    labels: missingOf(node.labels, { ...kept.labels, ...node.labels, ...labels, ...host }),
    annotations: missingOf(node.annotations, {
      ...kept.annotations,
      ...node.annotations,
      ...annotations,
    }),
    spec: {
      ...(node.providerID === "" ? { providerID: write.providerID } : {}),
      ...(added.length === 0 ? {} : { taints: [...node.taints, ...added] }),
    },
  };
  const { spec, ...metadata } = patch;
  const given = Object.fromEntries(Object.entries(metadata).filter(([, field]) => !isEmpty(field)));
  if (isEmpty(given) && isEmpty(spec)) return undefined;
  return { metadata: given, ...(isEmpty(spec) ? {} : { spec }) };
}

function missingOf(
  held: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => held[key] !== value));
}

/** Of one key and effect there is one taint at most. */
function isSame(left: NodeTaint, right: NodeTaint): boolean {
  return left.key === right.key && left.effect === right.effect;
}

function isEmpty(fields: object): boolean {
  return Object.keys(fields).length === 0;
}

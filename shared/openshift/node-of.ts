// The Node of a Machine of OpenShift, as the cluster link told last.
import type { Member, OpenShiftMachineSnapshot } from "./snapshot.ts";

export interface NodeName {
  readonly name: string;
  readonly uid: string;
}

export function nodeOf({
  node,
  machine,
}: Pick<OpenShiftMachineSnapshot, "node" | "machine">): NodeName | undefined {
  if (node?.outcome === "missing") return undefined;
  if (node?.outcome === "linked" && node.providerID === machine.spec.providerID) {
    const { nodeName: name, nodeUid: uid } = node;
    return name !== undefined && uid !== undefined ? { name, uid } : undefined;
  }
  // Nothing was told yet, as after the host was let go, or nothing that says that it is gone: what was known counts.
  const { name, uid } = machine.status?.nodeRef ?? {};
  return name === undefined || uid === undefined ? undefined : { name, uid };
}

/** Epoch ms; undefined: it has no Node that is Ready. */
export function readySinceMs({ node }: Member): number | undefined {
  if (node?.outcome !== "linked" || node.readySince === undefined) return undefined;
  const atMs = Date.parse(node.readySince);
  return Number.isNaN(atMs) ? undefined : atMs;
}

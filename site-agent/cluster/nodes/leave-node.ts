// Takes leave of the Node of a machine that is being deleted: drains it, or deletes it, and tells the control plane what
// is left. Only the Node that was meant: one of the same name that came later is somebody else's.
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import { attempt, fetchTarget, providerPath, type WriteOutcome } from "../writes/write-attempt.ts";
import { drainNode } from "./drain-node.ts";
import { linked, tellNode, type Finding, type LinkNodeDeps } from "./link-node.ts";
import { readNode, type WorkloadNode } from "./workload-node.ts";

type LeaveNode = Extract<WriteBack, { kind: "leave-node" }>;

/** Done when the control plane was told. */
export async function leaveNode(
  { api, hub }: Pick<LinkNodeDeps, "api" | "hub">,
  write: LeaveNode,
): Promise<WriteOutcome> {
  const target = await fetchTarget(api, providerPath(write.resource, write), write.uid);
  if (!target.ok) return target.outcome;
  const path = `/api/v1/nodes/${encodeURIComponent(write.nodeName)}`;
  const found = await fetchTarget(api, path, write.nodeUid);
  if (!found.ok) {
    return found.outcome.ok ? await tellNode(hub, write.uid, gone) : found.outcome;
  }
  const node = readNode(found.object);
  if (node === undefined) return { ok: false, message: `${path} is no Node`, retry: false };
  if (write.act === "drain") {
    const drained = await drainNode(api, path, node);
    if (!drained.ok) return drained;
    return await tellNode(hub, write.uid, {
      ...linked({ clusterName: undefined }, node),
      ...drained.left,
    });
  }
  const deleted = await deleteNode(api, path, node);
  return deleted.ok ? await tellNode(hub, write.uid, gone) : deleted;
}

export const gone: Finding = { outcome: "missing", message: "the Node is gone" };

export async function deleteNode(
  api: Pick<KubernetesApi, "request">,
  path: string,
  { uid }: WorkloadNode,
): Promise<WriteOutcome> {
  return await attempt(api, {
    method: "DELETE",
    path,
    body: { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid } },
  });
}

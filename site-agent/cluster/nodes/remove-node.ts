// Deletes the Node of a machine that is being deleted and was never linked, and tells the control plane. Only a Node that
// is surely this machine's: of several none, and none that has another machine's providerID.
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import { fetchTarget, providerPath, type WriteOutcome } from "../writes/write-attempt.ts";
import { findNodes } from "./find-node.ts";
import { deleteNode } from "./leave-node.ts";
import { tellNode, type Finding, type LinkNodeDeps } from "./link-node.ts";
import type { WorkloadCluster } from "./workload-clusters.ts";

type RemoveNode = Extract<WriteBack, { kind: "remove-node" }>;

/** Done when the control plane was told. */
export async function removeNode(
  { api, hub, clusters }: LinkNodeDeps,
  write: RemoveNode,
): Promise<WriteOutcome> {
  const { namespace, clusterName, uid } = write;
  const target = await fetchTarget(api, providerPath(write.resource, write), uid);
  if (!target.ok) return target.outcome;
  // One that joined a moment ago counts.
  const look = await clusters.lookAnew(namespace, clusterName);
  if (!look.ok) {
    const { kind, message } = look.error;
    if (kind === "away") return { ok: false, message, retry: true };
    return await tellNode(hub, uid, { outcome: "problem", message });
  }
  const removed = await remove(look.value, write);
  return "outcome" in removed ? await tellNode(hub, uid, removed) : removed;
}

async function remove(
  { api, nodes: all }: WorkloadCluster,
  write: RemoveNode,
): Promise<Finding | WriteOutcome> {
  const own = [...all.values()].filter(({ providerID }) =>
    ["", write.providerID].includes(providerID),
  );
  const { nodes, by } = findNodes(own, { ...write, hostnames: [] });
  const [node, ...others] = nodes;
  if (node === undefined)
    return { outcome: "missing", removed: true, message: "the machine has no Node" };
  if (others.length > 0) {
    const names = nodes.map(({ name }) => name).join(", ");
    const message = `Nodes ${names} all have ${by} of a machine that is deleted; delete those that are not another's`;
    return { outcome: "conflict", removed: true, message };
  }
  const deleted = await deleteNode(api, `/api/v1/nodes/${encodeURIComponent(node.name)}`, node);
  if (deleted.ok)
    return { outcome: "missing", removed: true, message: `Node ${node.name} is deleted` };
  if (deleted.retry) return deleted;
  const message = `Node ${node.name} could not be deleted: ${deleted.message}`;
  return { outcome: "problem", nodeName: node.name, message };
}

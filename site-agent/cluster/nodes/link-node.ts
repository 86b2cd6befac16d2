// Finds the Node of a machine in its workload cluster, gives it the providerID by which cluster-api knows it, and tells
// the control plane. A Node that may be another machine's is never written.
import { clusterText, missingNodeText } from "../../../shared/machine/consumer/missing-node.ts";
import type { NodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Hub } from "../hub.ts";
import type { KubernetesApi } from "../port.ts";
import { keptMarks, type KeptMarks } from "../remediation/kept-marks.ts";
import {
  fetchTarget,
  fieldManager,
  providerPath,
  type WriteOutcome,
} from "../writes/write-attempt.ts";
import { findNodes } from "./find-node.ts";
import { missingMarks } from "./missing-marks.ts";
import type { WorkloadCluster, WorkloadClusters } from "./workload-clusters.ts";
import { readNode, type WorkloadNode } from "./workload-node.ts";

export interface LinkNodeDeps {
  readonly api: KubernetesApi;
  readonly hub: Pick<Hub, "postNodes">;
  readonly clusters: WorkloadClusters;
}

export type LinkNode = Extract<WriteBack, { kind: "link-node" }>;

const tries = 3;
const maxMessage = 1024;

/** Done when the control plane was told; whatever was found is told by the fact. */
export async function linkNode(deps: LinkNodeDeps, write: LinkNode): Promise<WriteOutcome> {
  // An order for a machine that is gone must not mark the Node of the next one on its host.
  const path = providerPath(write.resource ?? "metal3machines", write);
  const target = await fetchTarget(deps.api, path, write.uid);
  if (!target.ok) return target.outcome;
  const kept = write.restores === true ? keptMarks(target.object) : undefined;
  const found = await link(deps.clusters, { write, kept });
  if (!found.ok) return { ok: false, message: found.error.message, retry: true };
  return await tellNode(deps.hub, write.uid, found.value);
}

export type Finding = Omit<NodeFact, "machineUid">;

export async function tellNode(
  hub: LinkNodeDeps["hub"],
  machineUid: string,
  { message, ...finding }: Finding,
): Promise<WriteOutcome> {
  const cut = message === undefined ? {} : { message: message.slice(0, maxMessage) };
  const told = await hub.postNodes({ facts: [{ machineUid, ...finding, ...cut }] });
  return told.ok ? { ok: true } : { ok: false, message: told.error.message, retry: true };
}

interface Order {
  readonly write: LinkNode;
  /** Of the Node before. */
  readonly kept: KeptMarks | undefined;
}

async function link(clusters: WorkloadClusters, order: Order): Promise<Result<Finding, "away">> {
  const { write } = order;
  const { namespace, clusterName } = write;
  for (let left = tries; ; left -= 1) {
    const look = await clusters.look(namespace, clusterName);
    if (!look.ok) {
      const { kind, message } = look.error;
      return kind === "away" ? err(kind, message) : ok({ outcome: "problem", message });
    }
    const finding = judge(order, look.value);
    if ("outcome" in finding) return ok(finding);
    const written = await mark(look.value, finding.node, order);
    if (written.ok) return ok(marked(order, written.value));
    // The Node changed since the look: look again.
    clusters.forget(namespace, clusterName);
    if (written.error.kind === "changed" && left > 1) continue;
    // It has what counts; only labels and the like are missing.
    if (finding.node.providerID === write.providerID) return ok(linked(write, finding.node));
    const { name: nodeName } = finding.node;
    return ok({ outcome: "problem", nodeName, message: written.error.message });
  }
}

/** Nobody else tells how a Node of the own cluster is. */
export function linked(
  { clusterName }: Pick<LinkNode, "clusterName">,
  { name, uid, providerID, readySince }: WorkloadNode,
): Finding {
  const more = { nodeUid: uid, ...(readySince === undefined ? {} : { readySince }) };
  const isOwn = clusterName === undefined;
  return { outcome: "linked", nodeName: name, providerID, ...(isOwn ? more : {}) };
}

/** It has all that it should. */
function marked({ write, kept }: Order, node: WorkloadNode): Finding {
  return { ...linked(write, node), ...(kept === undefined ? {} : { restored: true }) };
}

/** What is known without a write, or the Node to write. */
function judge(order: Order, cluster: WorkloadCluster): Finding | { node: WorkloadNode } {
  const { write, kept } = order;
  const { providerID, mayWrite } = write;
  const where = clusterText(write);
  const { nodes, by } = findNodes([...cluster.nodes.values()], write);
  const [node, ...others] = nodes;
  if (node === undefined) return { outcome: "missing", message: missingNodeText(write) };
  const { name: nodeName } = node;
  if (others.length > 0) {
    const names = nodes.map(({ name }) => name).join(", ");
    const message = `Nodes ${names} of ${where} all have ${by}; delete those that are not this machine's`;
    return { outcome: "conflict", message };
  }
  if (!mayWrite)
    return node.providerID === ""
      ? {
          outcome: "missing",
          nodeName,
          message: `Node ${nodeName} of ${where} has no providerID yet`,
        }
      : linked(write, node);
  if (node.providerID !== "" && node.providerID !== providerID) {
    const message = `Node ${nodeName} of ${where}, found by ${by}, has providerID "${node.providerID}", not "${providerID}"; it cannot be changed: delete the Node if it is an older one, and it registers anew`;
    return { outcome: "conflict", nodeName, providerID: node.providerID, message };
  }
  return missingMarks(node, write, kept) === undefined ? marked(order, node) : { node };
}

/** Changes only what is empty, and only the Node that was looked at. */
async function mark(
  { api, nodes }: WorkloadCluster,
  node: WorkloadNode,
  { write, kept }: Order,
): Promise<Result<WorkloadNode, "changed" | "refused">> {
  const { name, uid, resourceVersion } = node;
  const missing = missingMarks(node, write, kept);
  const answer = await api.request({
    method: "PATCH",
    path: `/api/v1/nodes/${encodeURIComponent(name)}?fieldManager=${fieldManager}`,
    patch: "merge",
    body: { ...missing, metadata: { uid, resourceVersion, ...missing?.metadata } },
  });
  const what = `providerID and labels could not be written to Node ${name}: `;
  if (!answer.ok) return err("refused", what + answer.error.message);
  const { status, body } = answer.value;
  const changed = readNode(body);
  if (status === 200 && changed !== undefined) {
    nodes.set(name, changed);
    return ok(changed);
  }
  const isStale = status === 409 || status === 404;
  return err(isStale ? "changed" : "refused", `${what}the API server answered ${status}`);
}

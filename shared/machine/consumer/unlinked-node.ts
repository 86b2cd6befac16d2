// A Node that joined and was not linked before its machine went: cluster-api and OpenShift delete a machine's Node by
// its link, so nobody would delete this one. It goes when nothing runs on the host any more and it cannot come again.
import type { WriteBack } from "../../protocol/write-back.ts";
import { because, target, tell, wait, type MachineDraft, type Stop } from "../draft.ts";
import { isDeployed } from "../gates.ts";
import type { HostView } from "../snapshot.ts";
import { askLeaveMs, leavePatienceMs } from "../waits.ts";
import { nameOf } from "./host-text.ts";
import { providerIdOf } from "./provisioned.ts";

type RemoveNode = Extract<WriteBack, { kind: "remove-node" }>;

/** Undefined: there is none, or it is given up, and told. */
export function removeUnlinkedNode(draft: MachineDraft, host: HostView): Stop | undefined {
  const { memory, snapshot } = draft;
  const place = placeOfUnlinked(draft);
  if (place === undefined || !(memory.mayHaveNode === true || isDeployed(draft))) return undefined;
  const { outcome, removed, message: told = "" } = snapshot.node ?? {};
  if (removed === true) {
    if (outcome === "conflict") tell(draft, "Warning", because("NodeLeft", told));
    return undefined;
  }
  const reason = outcome === "problem" ? `: ${told}` : "";
  if (snapshot.nowMs >= (memory.removal?.sinceMs ?? snapshot.nowMs) + leavePatienceMs) {
    const message = `a Node of host ${nameOf(host)} may be left in its cluster, delete it by hand${reason}`;
    tell(draft, "Warning", because("NodeLeft", message));
    return undefined;
  }
  const message = `looks for a Node of host ${nameOf(host)} that was not linked, to delete it${reason}`;
  return wait(because("Deleting", message), ["node", "object"], ask(draft, host, place));
}

/** When it is asked again. */
function ask(draft: MachineDraft, host: HostView, place: Pick<RemoveNode, "clusterName">): number {
  const { memory, snapshot } = draft;
  const { nowMs } = snapshot;
  const { sinceMs = nowMs, askedAtMs = -Infinity } = memory.removal ?? {};
  if (nowMs < askedAtMs + askLeaveMs) return askedAtMs + askLeaveMs;
  memory.removal = { sinceMs, askedAtMs: nowMs };
  draft.writes.push(order(draft, host, place));
  return nowMs + askLeaveMs;
}

/** Undefined: whoever links it, or has its cluster, deletes it. */
function placeOfUnlinked({ snapshot }: MachineDraft): Pick<RemoveNode, "clusterName"> | undefined {
  const { ownNode, owner, coreCluster, node } = snapshot;
  if (ownNode !== undefined) {
    return ownNode.isLinked || node?.outcome === "linked" ? undefined : {};
  }
  if (owner === undefined || owner.status?.nodeRef !== undefined) return undefined;
  const isThere = coreCluster !== undefined && coreCluster.metadata.deletionTimestamp === undefined;
  return isThere ? { clusterName: owner.spec.clusterName } : undefined;
}

function order(
  draft: MachineDraft,
  host: HostView,
  place: Pick<RemoveNode, "clusterName">,
): RemoveNode {
  const { object, resource } = draft.snapshot;
  return {
    kind: "remove-node",
    resource,
    ...target(draft),
    ...place,
    providerID: object.spec.providerID ?? providerIdOf(draft, host),
    hostUid: host.uid,
    ...(host.systemUuid === undefined ? {} : { systemUuid: host.systemUuid }),
  };
}

// The last step of a machine: its Node in the workload cluster carries the providerID. The cluster link looks, and
// writes; this asks it to until it is so.
import { judge, isTrue, notTrue } from "../status/conditions.ts";
import { nodeCondition, nodeReady } from "../status/conditions.table.ts";
import {
  because,
  flavourOf,
  settled,
  target,
  tell,
  wait,
  type MachineDraft,
  type Stop,
} from "../draft.ts";
import { hasCloudProvider, providerIdOf } from "./provisioned.ts";
import { nameOf } from "./host-text.ts";
import { missingNodeText } from "./missing-node.ts";
import type { WriteBack } from "../../protocol/write-back.ts";
import type { HostView } from "../snapshot.ts";
import { askMendedMs, askNodeAtLeastMs, askNodeMs, askNodeSeldomMs } from "../waits.ts";

export function linkNode(draft: MachineDraft, host: HostView): Stop {
  const { node } = draft.snapshot;
  if (isLinked(draft)) return linked(draft, host);
  const order = nodeOrder(draft, host);
  ask(draft, order);
  const told = node?.message === "" ? undefined : node?.message;
  if (node?.outcome === "conflict") {
    return unlinked(draft, "NodeConflict", told ?? "several Nodes are this machine's");
  }
  if (node?.outcome === "problem") {
    const message = told ?? "the workload cluster could not be asked";
    return unlinked(draft, "WorkloadClusterUnreachable", message);
  }
  return missing(draft, order, told);
}

/** As the cluster link says, or as core does, which goes by the providerID. */
function isLinked({ snapshot }: MachineDraft): boolean {
  const { owner, node, object } = snapshot;
  const { providerID } = object.spec;
  if (providerID === undefined) return false;
  return (
    owner?.status?.nodeRef !== undefined ||
    (node?.outcome === "linked" && node.providerID === providerID)
  );
}

function linked(draft: MachineDraft, host: HostView): Stop {
  const { owner, node } = draft.snapshot;
  const nodeName = owner?.status?.nodeRef?.name ?? node?.nodeName ?? "";
  const message = `host ${nameOf(host)} is Node ${nodeName}`;
  const isWatched = flavourOf(draft).watchesNode;
  if (isWatched) askForNode(draft, host);
  else delete draft.memory.nodeAskedAtMs;
  judge(draft, nodeCondition, isTrue("NodeLinked", message));
  draft.deprecated.set(nodeReady, { status: "True" });
  tell(draft, "Normal", because("NodeLinked", message));
  const why = because("NodeLinked", message);
  return isWatched ? wait(why, ["node", "host", "object"], nextAskMs(draft)) : settled(why);
}

function missing(draft: MachineDraft, order: LinkNode | undefined, told: string | undefined): Stop {
  const sought = order === undefined ? "waits for its Node" : missingNodeText(order);
  const message = told ?? sought;
  judge(draft, nodeCondition, notTrue("NodeMissing", message));
  draft.deprecated.set(nodeReady, deprecated("Info", message));
  return wait(because("NodeMissing", message), ["node", "object"], nextAskMs(draft));
}

/** Whatever else the machine waits for; when it is asked again. */
export function askForNode(draft: MachineDraft, host: HostView): number {
  ask(draft, nodeOrder(draft, host));
  return nextAskMs(draft);
}

function unlinked(draft: MachineDraft, reason: string, message: string): Stop {
  const why = because(reason, message);
  judge(draft, nodeCondition, notTrue(reason, message));
  draft.deprecated.set(nodeReady, deprecated("Error", message));
  tell(draft, "Warning", why);
  return wait(why, ["node", "object"], nextAskMs(draft));
}

function deprecated(severity: "Info" | "Error", message: string) {
  const reason = "SettingProviderIDOnNodeFailed";
  return { status: "False", severity, reason, message: message.slice(0, 10_240) } as const;
}

function nextAskMs(draft: MachineDraft): number {
  const askedAtMs = draft.memory.nodeAskedAtMs ?? draft.snapshot.nowMs;
  return askedAtMs + askEvery(draft, askedAtMs);
}

function askEvery({ snapshot, status }: MachineDraft, askedAtMs: number): number {
  const { node } = snapshot;
  if (node?.readySince !== undefined) return askNodeSeldomMs;
  if (node?.outcome === "conflict" || node?.outcome === "problem") return askMendedMs;
  const shown = status.conditions?.find(({ type }) => type === nodeCondition);
  const sinceMs = shown?.status === "False" ? Date.parse(shown.lastTransitionTime) : askedAtMs;
  return Math.min(Math.max(askedAtMs - sinceMs, askNodeMs), askNodeAtLeastMs);
}

type LinkNode = Extract<WriteBack, { kind: "link-node" }>;

/** Where its Node is; undefined: nobody has said yet. */
function placeOf(
  { snapshot }: MachineDraft,
  { hardware }: HostView,
): Pick<LinkNode, "clusterName" | "resource" | "addresses" | "marks" | "restores"> | undefined {
  const { ownNode, owner, resource } = snapshot;
  if (ownNode === undefined) {
    return owner === undefined ? undefined : { clusterName: owner.spec.clusterName };
  }
  const addresses = (hardware?.nics ?? []).flatMap(({ ip = "" }) => (ip === "" ? [] : [ip]));
  const { marks, restores } = ownNode;
  return { resource, addresses, marks, ...(restores ? { restores } : {}) };
}

/** Undefined: nobody knows yet where to look. */
export function nodeOrder(draft: MachineDraft, host: HostView): LinkNode | undefined {
  const place = placeOf(draft, host);
  if (place === undefined) return undefined;
  const hostnames = new Set([host.hardware?.hostname ?? host.name, host.name]);
  return {
    kind: "link-node",
    ...target(draft),
    ...place,
    providerID: draft.snapshot.object.spec.providerID ?? providerIdOf(draft, host),
    hostUid: host.uid,
    ...(host.systemUuid === undefined ? {} : { systemUuid: host.systemUuid }),
    // Its own name is the hostname that a host is given where its metadata says nothing else.
    hostnames: [...hostnames].filter((name) => name !== ""),
    mayWrite: !hasCloudProvider(draft),
  };
}

function ask(draft: MachineDraft, order: LinkNode | undefined): void {
  const { memory, snapshot } = draft;
  const { nowMs } = snapshot;
  if (order === undefined) return;
  if (memory.nodeAskedAtMs !== undefined && nowMs < nextAskMs(draft)) return;
  memory.nodeAskedAtMs = nowMs;
  draft.writes.push(order);
}

// Deletes the Node of a machine that is remediated, so that its pods may begin elsewhere: only while Kubernetes shows
// that its host is held off for that, however long the order was on its way.
import { z } from "zod";
import { powerOffAnnotation } from "../../../shared/metal3/annotations.ts";
import { remediationAnnotation } from "../../../shared/openshift/annotations.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import { deleteNode, gone } from "../nodes/leave-node.ts";
import { tellNode, type LinkNodeDeps } from "../nodes/link-node.ts";
import { readNode } from "../nodes/workload-node.ts";
import {
  fetchHost,
  fetchTarget,
  providerPath,
  type Fetched,
  type WriteOutcome,
} from "../writes/write-attempt.ts";
import { isHostOf } from "./is-host-of.ts";
import { keepMarks } from "./kept-marks.ts";

type ReplaceNode = Extract<WriteBack, { kind: "replace-node" }>;

type Deps = Pick<LinkNodeDeps, "api" | "hub">;

/** Done when the control plane was told, or when this is not to be done any more. */
export async function replaceNode(deps: Deps, write: ReplaceNode): Promise<WriteOutcome> {
  const { api, hub } = deps;
  const { namespace, uid, nodeName, nodeUid } = write;
  const machine = await fetchTarget(api, providerPath(write.resource, write), uid);
  if (!machine.ok) return machine.outcome;
  const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
  const found = await fetchTarget(api, path, nodeUid);
  if (!found.ok) return found.outcome.ok ? await tellNode(hub, uid, gone) : found.outcome;
  const host = await fetchHost(api, { namespace, ...write.host });
  if (!host.ok) return host.outcome;
  if (!isWanted(machine.object)) return { ok: true };
  if (!isHostOf(write, host.object) || !isHeldOff(host.object)) return { ok: true };
  return await keepAndDelete(deps, write, { machine: machine.object, node: found.object, path });
}

interface Found {
  readonly machine: Fetched;
  readonly node: Fetched;
  readonly path: string;
}

async function keepAndDelete({ api, hub }: Deps, write: ReplaceNode, found: Found) {
  const { uid, nodeName } = write;
  const { path, machine } = found;
  const node = readNode(found.node);
  if (node === undefined) return { ok: false, message: `${path} is no Node`, retry: false };
  const kept = await keepMarks(api, providerPath(write.resource, write), machine, node);
  if (!kept.ok && kept.retry) return kept;
  if (!kept.ok) {
    const message = `what Node ${nodeName} has could not be kept: ${kept.message}`;
    return await tellNode(hub, uid, { outcome: "problem", nodeName, message });
  }
  const deleted = await deleteNode(api, path, node);
  return deleted.ok ? await tellNode(hub, uid, gone) : deleted;
}

function isWanted({ metadata: { annotations = {} } }: Fetched): boolean {
  return annotations[remediationAnnotation] !== undefined;
}

const off = z.object({ poweredOn: z.literal(false) });

function isHeldOff({ metadata: { annotations = {} }, ...object }: Fetched): boolean {
  return annotations[powerOffAnnotation] !== undefined && off.safeParse(object["status"]).success;
}

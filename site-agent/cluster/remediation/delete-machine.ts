// Deletes a machine that did not come back from its remediation. Its host will be erased, so that everything is asked
// once more of Kubernetes: the wish, the host, the Node, and that nothing has changed in the machine since.
import { z } from "zod";
import {
  poweredOffAnnotation,
  remediationAnnotation,
  timeoutAnnotation,
} from "../../../shared/openshift/annotations.ts";
import { barToDeletion } from "../../../shared/openshift/remediation/bars.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import { findNodes } from "../nodes/find-node.ts";
import type { LinkNodeDeps } from "../nodes/link-node.ts";
import {
  attempt,
  fetchHost,
  fetchTarget,
  providerPath,
  type Fetched,
  type WriteOutcome,
} from "../writes/write-attempt.ts";
import { isHostOf } from "./is-host-of.ts";

type DeleteMachine = Extract<WriteBack, { kind: "delete-machine" }>;

/** Done, too, when it is not to be deleted any more: the control plane hears of what has changed. */
export async function deleteMachine(
  { api, clusters }: Pick<LinkNodeDeps, "api" | "clusters">,
  write: DeleteMachine,
): Promise<WriteOutcome> {
  const { namespace, uid } = write;
  const path = providerPath(write.resource, write);
  const machine = await fetchTarget(api, path, uid);
  if (!machine.ok) return machine.outcome;
  const host = await fetchHost(api, { namespace, ...write.host });
  if (!host.ok) return host.outcome;
  if (!isStillLost(write, machine.object, host.object)) return { ok: true };
  const look = await clusters.lookAnew(namespace, undefined);
  if (!look.ok) return { ok: false, message: look.error.message, retry: true };
  const signs = { ...write, hostUid: write.host.uid };
  if (findNodes([...look.value.nodes.values()], signs).nodes.length > 0) return { ok: true };
  const { resourceVersion } = machine.object.metadata;
  const preconditions = { uid, resourceVersion };
  const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions };
  return await attempt(api, { method: "DELETE", path, body });
}

const judged = z.object({
  metadata: z.looseObject({
    labels: z.record(z.string(), z.string()).optional(),
    ownerReferences: z.array(z.object({ controller: z.boolean().optional() })).optional(),
  }),
});
const hostSpec = z.object({ externallyProvisioned: z.boolean().optional() }).default({});

function isStillLost(write: DeleteMachine, machine: Fetched, host: Fetched): boolean {
  const { annotations = {}, deletionTimestamp } = machine.metadata;
  const isWaitedFor =
    annotations[remediationAnnotation] !== undefined &&
    annotations[poweredOffAnnotation] !== undefined &&
    annotations[timeoutAnnotation] === write.waitedUntil;
  if (!isWaitedFor || deletionTimestamp !== undefined || !isHostOf(write, host)) return false;
  const { metadata } = judged.parse(machine);
  const { name, annotations: marks } = host.metadata;
  const spec = hostSpec.parse(host.spec);
  return barToDeletion(metadata, { name: String(name), annotations: marks, spec }) === undefined;
}

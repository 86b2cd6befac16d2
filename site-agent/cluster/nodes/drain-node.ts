// One round of draining a Node, as kubectl drain does it: no new pods, and each that can go is evicted, which its
// disruption budget may refuse. The next round is ordered by who waits.
import { z } from "zod";
import type { KubernetesApi } from "../port.ts";
import { attempt, fieldManager, type WriteOutcome } from "../writes/write-attempt.ts";
import type { WorkloadNode } from "./workload-node.ts";

export type Drained =
  | { readonly ok: true; readonly left: { readonly podsLeft: number; readonly message?: string } }
  | Extract<WriteOutcome, { ok: false }>;

const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        namespace: z.string(),
        uid: z.string(),
        annotations: z.record(z.string(), z.string()).optional(),
        deletionTimestamp: z.string().optional(),
        ownerReferences: z
          .array(z.object({ kind: z.string(), controller: z.boolean().optional() }))
          .optional(),
      }),
    }),
  ),
});
type Pod = z.infer<typeof podList>["items"][number];

/** Pods that a message names. */
const named = 3;

export async function drainNode(
  api: KubernetesApi,
  path: string,
  node: WorkloadNode,
): Promise<Drained> {
  if (!node.isUnschedulable) {
    const cordoned = await attempt(api, {
      method: "PATCH",
      path: `${path}?fieldManager=${fieldManager}`,
      patch: "merge",
      body: { metadata: { uid: node.uid }, spec: { unschedulable: true } },
    });
    if (!cordoned.ok) return cordoned;
  }
  const selector = encodeURIComponent(`spec.nodeName=${node.name}`);
  const answer = await api.request({
    method: "GET",
    path: `/api/v1/pods?fieldSelector=${selector}`,
  });
  if (!answer.ok) return { ok: false, message: answer.error.message, retry: true };
  const pods = podList.safeParse(answer.value.body);
  if (answer.value.status !== 200 || !pods.success) {
    const message = `the pods of Node ${node.name} cannot be listed (${answer.value.status}); apply Farrier's RBAC manifests`;
    return { ok: true, left: { podsLeft: 1, message } };
  }
  const staying: string[] = [];
  for (const pod of pods.data.items.filter((each) => hasToLeave(each, node))) {
    const why = await evict(api, pod);
    if (why !== undefined) staying.push(why);
  }
  if (staying.length === 0) return { ok: true, left: { podsLeft: 0 } };
  const more = staying.length > named ? ", …" : "";
  const message = `${staying.slice(0, named).join(", ")}${more}`;
  return { ok: true, left: { podsLeft: staying.length, message } };
}

/**
 * Not those of a DaemonSet, which would come again; nor the Node's own. What has ended has to leave, too: until its
 * kubelet removes the object, whoever waits for that would wait for ever.
 */
function hasToLeave({ metadata }: Pod, node: WorkloadNode): boolean {
  const { annotations = {}, ownerReferences = [], deletionTimestamp } = metadata;
  if (annotations["kubernetes.io/config.mirror"] !== undefined) return false;
  if (ownerReferences.some(({ kind, controller }) => kind === "DaemonSet" && controller === true))
    return false;
  // Nobody there says that it has ended.
  return !(deletionTimestamp !== undefined && node.isUnreachable);
}

/** Undefined: it is gone. */
async function evict(
  api: KubernetesApi,
  { metadata: { name, namespace, uid, deletionTimestamp } }: Pod,
): Promise<string | undefined> {
  const pod = `pod ${namespace}/${name}`;
  if (deletionTimestamp !== undefined) return `${pod} is ending`;
  const answer = await api.request({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(name)}/eviction`,
    body: {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name, namespace },
      deleteOptions: { preconditions: { uid } },
    },
  });
  if (!answer.ok) return `${pod} was not asked: ${answer.error.message}`;
  const { status, body } = answer.value;
  if (status === 404) return undefined;
  if (status < 300) return `${pod} is ending`;
  const told = z.object({ message: z.string() }).safeParse(body).data?.message ?? `${status}`;
  return status === 429
    ? `${pod} is kept by its disruption budget`
    : `${pod} cannot be evicted: ${told}`;
}

// An Event about a host. Its name is fixed by the control plane: written twice, it is one object.
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import type { WriteOutcome } from "./write-attempt.ts";

type EventWrite = Extract<WriteBack, { kind: "event" }>;

const component = "metal3-baremetal-controller";
const controller = "metal3.io/baremetal-controller";

export async function writeEvent(api: KubernetesApi, write: EventWrite): Promise<WriteOutcome> {
  const { namespace, name, uid } = write;
  const at = new Date(write.atMs).toISOString().replace(/\.\d+Z$/, "Z");
  const answer = await api.request({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/events`,
    body: {
      apiVersion: "v1",
      kind: "Event",
      metadata: { namespace, name: write.eventName },
      involvedObject: {
        apiVersion: "metal3.io/v1alpha1",
        kind: "BareMetalHost",
        namespace,
        name,
        uid,
      },
      type: write.type,
      reason: write.reason,
      message: write.message,
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
      source: { component },
      reportingComponent: controller,
      reportingInstance: component,
      action: write.reason,
      ...(write.related === undefined ? {} : { related: write.related }),
    },
  });
  if (!answer.ok) return { ok: false, message: answer.error.message, retry: true };
  const { status } = answer.value;
  // 409: it is there already. 404: the namespace is gone.
  if (status < 300 || status === 409 || status === 404) return { ok: true };
  return {
    ok: false,
    message: `Kubernetes refused the Event (${status})`,
    retry: status >= 500 || status === 429,
  };
}

// An Event about a host, or about an object of the machine side. Its name is fixed by the control plane: written twice, it is one object.
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import type { WriteOutcome } from "./write-attempt.ts";

type EventWrite = Extract<WriteBack, { kind: "event" }>;

const host = { apiVersion: "metal3.io/v1alpha1", kind: "BareMetalHost" };
const hostReporter = {
  component: "metal3-baremetal-controller",
  controller: "metal3.io/baremetal-controller",
};

/** Upstream tells no Events of these kinds: named as controllers usually are, "metal3machine-controller". */
function reporterOf({ apiVersion, kind }: typeof host): typeof hostReporter {
  if (kind === host.kind) return hostReporter;
  const component = `${kind.toLowerCase()}-controller`;
  return { component, controller: `${apiVersion.replace(/\/.*/, "")}/${component}` };
}

export async function writeEvent(api: KubernetesApi, write: EventWrite): Promise<WriteOutcome> {
  const { namespace, name, uid } = write;
  const about = write.about ?? host;
  const { component, controller } = reporterOf(about);
  const at = new Date(write.atMs).toISOString().replace(/\.\d+Z$/, "Z");
  const answer = await api.request({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/events`,
    body: {
      apiVersion: "v1",
      kind: "Event",
      metadata: { namespace, name: write.eventName },
      involvedObject: { ...about, namespace, name, uid },
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

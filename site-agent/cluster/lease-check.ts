// Is another bare-metal operator at work in this cluster? Its Lease, renewed lately, means that the same hosts
// would have two masters. The cluster link then writes nothing and says so.
import { z } from "zod";
import type { Clock } from "../ports.ts";
import type { KubernetesApi } from "./port.ts";

const leases = z.looseObject({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
      spec: z.looseObject({
        holderIdentity: z.string().nullish(),
        renewTime: z.string().nullish(),
        leaseDurationSeconds: z.number().nullish(),
      }),
    }),
  ),
});

const operatorLeases = new Set(["baremetal-operator"]);

/** The sentence that says who leads, or undefined when nobody else does. */
export async function otherOperator(api: KubernetesApi, clock: Clock): Promise<string | undefined> {
  const answer = await api.request({ method: "GET", path: "/apis/coordination.k8s.io/v1/leases" });
  if (!answer.ok || answer.value.status !== 200) return undefined;
  for (const { metadata, spec } of leases.parse(answer.value.body).items) {
    if (!operatorLeases.has(metadata.name) || !spec.renewTime || !spec.holderIdentity) continue;
    const ageMs = clock.nowMs() - Date.parse(spec.renewTime);
    if (ageMs < 2_000 * (spec.leaseDurationSeconds ?? 15)) {
      return `Another bare-metal operator leads in this cluster: Lease ${metadata.namespace}/${metadata.name} of "${spec.holderIdentity}" was renewed ${Math.round(ageMs / 1000)} s ago. Stop it first.`;
    }
  }
  return undefined;
}

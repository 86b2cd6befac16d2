// Is another operator at work in this cluster? Its Lease, renewed again and again, means that the same hosts, or the
// same machines, would have two masters. Whether it is renewed is seen by its change, and not by comparing clocks:
// those of a site may be hours off.
import { z } from "zod";
import type { Clock } from "../ports.ts";
import type { KubernetesApi } from "./port.ts";

const leases = z.looseObject({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
      spec: z
        .looseObject({
          holderIdentity: z.string().nullish(),
          renewTime: z.string().nullish(),
          leaseDurationSeconds: z.number().nullish(),
        })
        .optional(),
    }),
  ),
});
type Lease = z.infer<typeof leases>["items"][number];

export interface Rival {
  /** Of its leader election. */
  readonly lease: string;
  /** "Another …". */
  readonly what: string;
  readonly wayOut: string;
}

/** Of all that Farrier does. */
export const otherOperator: Rival = {
  lease: "baremetal-operator",
  what: "Another bare-metal operator",
  wayOut: "Stop it first.",
};

/** Of the machine side of cluster-api alone: hosts have one master still. */
export const otherProvider: Rival = {
  lease: "controller-leader-election-capm3",
  what: "Another Metal3 machine provider",
  wayOut: "Metal3Clusters and Metal3Machines are left to it until it is stopped.",
};

/** More than clocks differ: a Lease that was renewed so long ago is left over. */
const leftOverMs = 3 * 3_600_000;

export type LeaseCheck =
  | { readonly kind: "alone" }
  /** The sentence that says who leads. */
  | { readonly kind: "other"; readonly message: string }
  | { readonly kind: "unknown"; readonly message: string };

/** Ask it again and again: it remembers when each Lease changed last. */
export function makeLeaseCheck(
  api: KubernetesApi,
  clock: Clock,
  rival: Rival,
): () => Promise<LeaseCheck> {
  const path = `/apis/coordination.k8s.io/v1/leases?fieldSelector=metadata.name%3D${rival.lease}`;
  const changes = new Map<string, { readonly renewTime: string; readonly atMs: number }>();

  /** What was never seen before counts as renewed now, unless it is very old. */
  function isRenewed({ metadata, spec }: Lease): boolean {
    if (!spec?.renewTime || !spec.holderIdentity) return false;
    const key = `${metadata.namespace}/${metadata.name}`;
    const before = changes.get(key);
    const { renewTime } = spec;
    const nowMs = clock.monotonicMs();
    const isOld = clock.nowMs() - Date.parse(renewTime) > leftOverMs;
    if (before === undefined && isOld) {
      changes.set(key, { renewTime, atMs: -Infinity });
    } else if (before?.renewTime !== renewTime) {
      changes.set(key, { renewTime, atMs: nowMs });
    }
    const changedAtMs = changes.get(key)?.atMs ?? nowMs;
    return nowMs - changedAtMs < 2_000 * (spec.leaseDurationSeconds ?? 15);
  }

  return async () => {
    const answer = await api.request({ method: "GET", path });
    if (!answer.ok) return { kind: "unknown", message: answer.error.message };
    const read = leases.safeParse(answer.value.body);
    if (answer.value.status !== 200 || !read.success) {
      const message = `Leases cannot be read (${answer.value.status}): apply Farrier's RBAC manifests.`;
      return { kind: "unknown", message };
    }
    const other = read.data.items.find(
      (lease) => lease.metadata.name === rival.lease && isRenewed(lease),
    );
    if (other === undefined) return { kind: "alone" };
    const { metadata, spec } = other;
    return {
      kind: "other",
      message: `${rival.what} leads in this cluster: Lease ${metadata.namespace}/${metadata.name} of "${spec?.holderIdentity}" is being renewed. ${rival.wayOut}`,
    };
  };
}

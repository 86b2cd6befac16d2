// The Metal3Machine that uses a host, for judges.
import type { KubernetesObject } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { specOf } from "./host-of.ts";

/** Undefined: nobody uses the host, or somebody who is no Metal3Machine of the API server. */
export function machineOf(
  truth: Truth,
  cluster: string,
  host: KubernetesObject | undefined,
): KubernetesObject | undefined {
  const { kind, name, namespace } = specOf(host).consumerRef ?? {};
  if (kind !== "Metal3Machine" || namespace !== host?.metadata.namespace) return undefined;
  for (const object of truth.objects(cluster).values()) {
    const { metadata } = object;
    if (object.kind === kind && metadata.name === name && metadata.namespace === namespace) {
      return object;
    }
  }
  return undefined;
}

/** A Metal3Machine, which may be gone. */
export function isForMachine(host: KubernetesObject): boolean {
  return host.kind === "BareMetalHost" && specOf(host).consumerRef?.kind === "Metal3Machine";
}

export function isDeleting(object: KubernetesObject | undefined): boolean {
  return object?.metadata.deletionTimestamp !== undefined;
}

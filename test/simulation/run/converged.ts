// Whether the healed fleet has nothing more to do: every host is as its spec asks, or says in its status why not.
// Read from what Kubernetes holds, and by nothing of the product's own.
import { isHeld, specOf, statusOf } from "../judges/host-of.ts";
import type { HostSpec, HostStatus } from "../judges/host-of.ts";
import type { KubernetesObject } from "../world/events.ts";

/** "wanted": as the spec asks. "error": the status says why not. "waiting": neither. */
export type Stand = "wanted" | "error" | "waiting";

export function standOf(host: KubernetesObject): Stand {
  if (host.metadata.deletionTimestamp !== undefined) return "waiting";
  const [spec, status] = [specOf(host), statusOf(host)];
  // Nobody expects anything of a held one until it is let go.
  if (isHeld(host) || isAsWanted(spec, status)) return "wanted";
  return (status.errorMessage ?? "") === "" ? "waiting" : "error";
}

function isAsWanted(spec: HostSpec, status: HostStatus): boolean {
  const { state } = status.provisioning ?? {};
  if ((spec.bmc?.address ?? "") === "") return state === "unmanaged";
  // Set past the webhook on a host that is in use, it stays what it is, as upstream has it.
  if (spec.externallyProvisioned === true) {
    return state === "externally provisioned" || state === "provisioned";
  }
  return isDeployedAsWanted(spec, status);
}

function isDeployedAsWanted({ image, online }: HostSpec, status: HostStatus): boolean {
  const { state, image: written } = status.provisioning ?? {};
  const url = image?.url ?? "";
  // A host that shall be off is not deployed before it may go on.
  if (url === "" || (state === "available" && online === false)) return state === "available";
  return state === "provisioned" && url === written?.url && online === status.poweredOn;
}

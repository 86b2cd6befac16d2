// Whether the healed fleet has nothing more to do: every host is as its spec asks, or says in its status why not.
// Read from what Kubernetes holds, and by nothing of the product's own.
import type { KubernetesObject } from "../world/events.ts";

interface Spec {
  readonly online?: boolean;
  readonly externallyProvisioned?: boolean;
  readonly bmc?: { readonly address?: string };
  readonly image?: { readonly url?: string } | null;
}

interface Status {
  readonly errorMessage?: string;
  readonly poweredOn?: boolean;
  readonly provisioning?: {
    readonly state?: string;
    readonly image?: { readonly url?: string };
  };
}

/** "wanted": as the spec asks. "error": the status says why not. "waiting": neither. */
export function standOf(host: KubernetesObject): "wanted" | "error" | "waiting" {
  if (host.metadata.deletionTimestamp !== undefined) return "waiting";
  const spec = (host.spec ?? {}) as Spec;
  const status = (host.status ?? {}) as Status;
  if (isAsWanted(host, spec, status)) return "wanted";
  return (status.errorMessage ?? "") === "" ? "waiting" : "error";
}

function isAsWanted(host: KubernetesObject, spec: Spec, status: Status): boolean {
  if (isHeld(host)) return true;
  const { state } = status.provisioning ?? {};
  if ((spec.bmc?.address ?? "") === "") return state === "unmanaged";
  // Set past the webhook on a host that is in use, it stays what it is, as upstream has it.
  if (spec.externallyProvisioned === true) {
    return state === "externally provisioned" || state === "provisioned";
  }
  return isDeployedAsWanted(spec, status);
}

function isDeployedAsWanted({ image, online }: Spec, status: Status): boolean {
  const { state, image: written } = status.provisioning ?? {};
  const url = image?.url ?? "";
  // A host that shall be off is not deployed before it may go on.
  if (url === "" || (state === "available" && online === false)) return state === "available";
  return state === "provisioned" && url === written?.url && online === status.poweredOn;
}

/** Nobody expects anything of it until it is let go. */
function isHeld({ metadata }: KubernetesObject): boolean {
  const { annotations = {} } = metadata;
  return holds.some((annotation) => annotations[annotation] !== undefined);
}

const holds = ["baremetalhost.metal3.io/detached", "baremetalhost.metal3.io/paused"];

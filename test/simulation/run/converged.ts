// Whether the healed fleet has nothing more to do: every host is as its spec asks, or says in its status why not.
// Read from what Kubernetes holds, and by nothing of the product's own.
import { isHeld, specOf, statusOf } from "../judges/host-of.ts";
import type { HostSpec, HostStatus } from "../judges/host-of.ts";
import {
  controllerOf,
  isDeleting,
  isMachine,
  isOfOpenShift,
  isOpenShiftMachine,
  isOpenShiftMachineSet,
  isUsedBy,
  wantedLabels,
} from "../judges/machine-of.ts";
import type { KubernetesObject } from "../world/events.ts";

/** "wanted": as the spec asks. "error": the status says why not. "waiting": neither. */
export type Stand = "wanted" | "error" | "waiting";

/** Of any object; undefined: it is none of those that become something. */
export function standIn(
  objects: ReadonlyMap<string, KubernetesObject>,
  object: KubernetesObject,
): Stand | undefined {
  if (object.kind === "BareMetalHost") return standOf(object);
  if (isMachine(object)) {
    return isLeftOver(object, objects) ? "waiting" : machineStandOf(object, objects);
  }
  return isOpenShiftMachineSet(object) ? setStandOf(object, objects) : undefined;
}

/** A host in error whose machine another host has, and keeps: all that it can do is to look again. */
export function isTaken(host: KubernetesObject, all: readonly KubernetesObject[]): boolean {
  const bmc = bmcOf(host);
  return (
    bmc !== "" &&
    standOf(host) === "error" &&
    all.some(
      (other) =>
        other !== host && bmcOf(other) === bmc && !isHeld(other) && standOf(other) === "wanted",
    )
  );
}

function bmcOf(host: KubernetesObject): string {
  const { address = "" } = specOf(host).bmc ?? {};
  return address.replace(/^.*:\/\//, "");
}

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

/** Of a machine among all that its API server holds. Whether its Node has joined is not asked here. */
function machineStandOf(
  machine: KubernetesObject,
  objects: ReadonlyMap<string, KubernetesObject>,
): Stand {
  const hosts = [...objects.values()].filter(
    ({ kind, metadata }) =>
      kind === "BareMetalHost" && metadata.namespace === machine.metadata.namespace,
  );
  const host = hosts.find((each) => isUsedBy(each, machine));
  const isLeaving = isDeleting(machine);
  if (host === undefined && isLeaving) return "waiting";
  if (host === undefined) return withoutHost(machine, hosts);
  if (isHeld(host) || isExternal(host)) return "wanted";
  if ((statusOf(host).errorMessage ?? "") !== "") return "error";
  if (isLeaving) return "waiting";
  return standOf(host) === "wanted" && isProvisioned(machine) ? "wanted" : "waiting";
}

/** One that was deployed gets no second host: whoever takes its first one away has to delete it. */
function withoutHost(machine: KubernetesObject, hosts: readonly KubernetesObject[]): Stand {
  // cluster-api's core left it behind when it could not make the Machine.
  if (!isOwned(machine)) return saysWhy(machine) ? "wanted" : "waiting";
  if (machine.spec?.["providerID"] !== undefined) return saysWhy(machine) ? "error" : "waiting";
  return hosts.some((host) => fits(host, machine)) ? "waiting" : "wanted";
}

function saysWhy({ status = {} }: KubernetesObject): boolean {
  const { conditions = [] } = status as {
    conditions?: readonly { type?: string; status?: string; message?: string }[];
  };
  return conditions.some(
    ({ type, status: is, message = "" }) =>
      ["AssociateBareMetalHost", "InstanceExists"].includes(type ?? "") &&
      is === "False" &&
      message !== "",
  );
}

/** Of a MachineSet of OpenShift: as many Machines as are wanted, and its status says so. */
function setStandOf(
  { metadata, spec = {}, status = {} }: KubernetesObject,
  objects: ReadonlyMap<string, KubernetesObject>,
): Stand {
  const members = [...objects.values()].filter(
    (each) => isOpenShiftMachine(each) && !isDeleting(each) && controllerOf(each) === metadata.uid,
  );
  const isAsMany = members.length === spec["replicas"] && status["replicas"] === members.length;
  return isAsMany && metadata.deletionTimestamp === undefined ? "wanted" : "waiting";
}

/** Its MachineSet is gone, and it is to go, too. */
function isLeftOver(
  machine: KubernetesObject,
  objects: ReadonlyMap<string, KubernetesObject>,
): boolean {
  if (!isOpenShiftMachine(machine) || isDeleting(machine)) return false;
  const owner = controllerOf(machine);
  return (
    owner !== undefined && ![...objects.values()].some(({ metadata }) => metadata.uid === owner)
  );
}

function isOwned({ apiVersion, metadata }: KubernetesObject): boolean {
  if (isOfOpenShift({ apiVersion })) return true;
  const owners = metadata["ownerReferences"] as readonly { readonly kind: string }[] | undefined;
  return owners?.some(({ kind }) => kind === "Machine") === true;
}

function isExternal(host: KubernetesObject): boolean {
  return specOf(host).externallyProvisioned === true;
}

function isProvisioned(machine: KubernetesObject): boolean {
  const { spec = {}, status = {} } = machine;
  if (isOpenShiftMachine(machine)) return spec["providerID"] !== undefined;
  const { initialization } = status as { initialization?: { provisioned?: boolean } };
  return initialization?.provisioned === true;
}

/** Nobody has it, nothing is wrong with it, and it is one of those that the machine may have. */
function fits(host: KubernetesObject, machine: KubernetesObject): boolean {
  const { consumerRef, image } = specOf(host);
  const labels = wantedLabels(machine);
  return (
    standOf(host) === "wanted" &&
    statusOf(host).provisioning?.state === "available" &&
    (consumerRef ?? image ?? undefined) === undefined &&
    !isHeld(host) &&
    !isExternal(host) &&
    labels.every(([label, value]) => host.metadata.labels?.[label] === value)
  );
}

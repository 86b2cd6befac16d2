// The machine that uses a host, for judges: a Metal3Machine, or a Machine of OpenShift.
import type { KubernetesObject } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { specOf } from "./host-of.ts";

const openShift = "machine.openshift.io/";

export function isOfOpenShift(object: {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
}): boolean {
  return typeof object.apiVersion === "string" && object.apiVersion.startsWith(openShift);
}

export function isOpenShiftMachine(object: KubernetesObject): boolean {
  return object.kind === "Machine" && isOfOpenShift(object);
}

export function isOpenShiftMachineSet(object: KubernetesObject): boolean {
  return object.kind === "MachineSet" && isOfOpenShift(object);
}

/** Of a kind that hosts are given to. */
export function isMachine(object: KubernetesObject): boolean {
  return object.kind === "Metal3Machine" || isOpenShiftMachine(object);
}

export function isUsedBy(host: KubernetesObject, machine: KubernetesObject): boolean {
  const consumer = specOf(host).consumerRef ?? {};
  const { kind, name, namespace = host.metadata.namespace } = consumer;
  return (
    kind === machine.kind &&
    isOfOpenShift(consumer) === isOfOpenShift(machine) &&
    name === machine.metadata.name &&
    namespace === machine.metadata.namespace
  );
}

/** Undefined: nobody uses the host, or somebody who is no machine of the API server. */
export function machineOf(
  truth: Truth,
  cluster: string,
  host: KubernetesObject | undefined,
): KubernetesObject | undefined {
  if (host === undefined || !isForMachine(host)) return undefined;
  if (specOf(host).consumerRef?.namespace !== host.metadata.namespace) return undefined;
  for (const object of truth.objects(cluster).values()) {
    if (isMachine(object) && isUsedBy(host, object)) return object;
  }
  return undefined;
}

/** A machine, which may be gone. */
export function isForMachine(host: KubernetesObject): boolean {
  const consumer = specOf(host).consumerRef ?? {};
  if (host.kind !== "BareMetalHost") return false;
  return (
    consumer.kind === "Metal3Machine" || (consumer.kind === "Machine" && isOfOpenShift(consumer))
  );
}

export function isDeleting(object: KubernetesObject | undefined): boolean {
  return object?.metadata.deletionTimestamp !== undefined;
}

interface Wish {
  readonly hostSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
}

/** Labels that the host of a machine has to have. */
export function wantedLabels(machine: KubernetesObject): readonly (readonly [string, string])[] {
  const { providerSpec, ...spec } = (machine.spec ?? {}) as Wish & {
    readonly providerSpec?: { readonly value?: Wish };
  };
  const { hostSelector } = isOpenShiftMachine(machine) ? (providerSpec?.value ?? {}) : spec;
  return Object.entries(hostSelector?.matchLabels ?? {});
}

/** Uid of who controls an object. */
export function controllerOf({ metadata }: KubernetesObject): string | undefined {
  const owners = (metadata["ownerReferences"] ?? []) as readonly {
    readonly uid: string;
    readonly controller?: boolean;
  }[];
  return owners.find(({ controller }) => controller === true)?.uid;
}

// Reading of hosts as Kubernetes holds them, for judges: only what upstream's API defines.
import type { KubernetesObject } from "../world/events.ts";
import type { MachineTruth, Truth } from "../world/truth.ts";

export interface HostSpec {
  readonly online?: boolean;
  readonly externallyProvisioned?: boolean;
  readonly automatedCleaningMode?: string;
  readonly disablePowerOff?: boolean;
  readonly bootMACAddress?: string;
  readonly bmc?: { readonly address?: string; readonly credentialsName?: string };
  readonly userData?: { readonly name?: string } | null;
  readonly networkData?: { readonly name?: string } | null;
  readonly metaData?: { readonly name?: string } | null;
  readonly preprovisioningNetworkDataName?: string;
  readonly image?: { readonly url?: string; readonly checksum?: string } | null;
  readonly customDeploy?: object | null;
  readonly rootDeviceHints?: { readonly serialNumber?: string };
  readonly consumerRef?: {
    readonly apiVersion?: string;
    readonly kind?: string;
    readonly name?: string;
    readonly namespace?: string;
  } | null;
}

export interface HostStatus {
  readonly errorType?: string;
  readonly errorMessage?: string;
  readonly operationalStatus?: string;
  readonly poweredOn?: boolean;
  readonly conditions?: readonly {
    readonly type?: string;
    readonly observedGeneration?: number;
    readonly lastTransitionTime?: string;
  }[];
  readonly provisioning?: {
    readonly state?: string;
    readonly ID?: string;
    readonly image?: { readonly url?: string };
  };
}

export function specOf(object: KubernetesObject | undefined): HostSpec {
  return (object?.spec ?? {}) as HostSpec;
}

export function statusOf(object: KubernetesObject | undefined): HostStatus {
  return (object?.status ?? {}) as HostStatus;
}

export function stateOf(object: KubernetesObject | undefined): string {
  return statusOf(object).provisioning?.state ?? "";
}

export const detachedAnnotation = "baremetalhost.metal3.io/detached";
export const pausedAnnotation = "baremetalhost.metal3.io/paused";

/** "namespace/name" of who uses the host; undefined: nobody. */
export function consumerOf(object: KubernetesObject | undefined): string | undefined {
  const { name, namespace = object?.metadata.namespace } = specOf(object).consumerRef ?? {};
  return name === undefined ? undefined : `${namespace}/${name}`;
}

export function isHeld({ metadata }: KubernetesObject): boolean {
  const { annotations = {} } = metadata;
  return (
    annotations[detachedAnnotation] !== undefined || annotations[pausedAnnotation] !== undefined
  );
}

const detachable = ["provisioned", "externally provisioned", "available"];

/** Hands off now: before a host is in a state that can be left alone, only force detaches it. */
export function isHandsOff(object: KubernetesObject): boolean {
  const { annotations = {} } = object.metadata;
  if (annotations[pausedAnnotation] !== undefined) return true;
  const detached = annotations[detachedAnnotation];
  if (detached === undefined) return false;
  const isForced = detached.includes('"force":true');
  const isDetached = statusOf(object).operationalStatus === "detached";
  return isForced || isDetached || detachable.includes(stateOf(object));
}

const neverHeld: readonly string[] = ["", "unmanaged", "registering"];

/** Of several that want a machine, one that was never registered has nothing to do with it. */
export function wasNeverHeld(host: KubernetesObject): boolean {
  return neverHeld.includes(stateOf(host));
}

/** In lower case; "": it names none. */
export function bootMacOf(host: KubernetesObject | undefined): string {
  return (specOf(host).bootMACAddress ?? "").toLowerCase();
}

/** The boot MAC is the machine's. Behind exchanged cables a host's BMC is one machine's, and its disks are another's. */
export function bootsFrom(
  host: KubernetesObject | undefined,
  machine: Pick<MachineTruth, "macs"> | undefined,
): boolean {
  return machine?.macs.includes(bootMacOf(host)) === true;
}

/** The one host of a machine; undefined: none, or several that dispute it. */
export function hostOf(truth: Truth, machine: string): KubernetesObject | undefined {
  const hosts = truth.hostsOf(machine);
  return hosts.length === 1 ? hosts[0]?.object : undefined;
}

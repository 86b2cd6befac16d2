// BareMetalHosts as kubectl shows them, in the few fields that the tests look at, and manifests to apply. On
// purpose not the project's own types: these tests stand outside.
import type { MachineSpec } from "../../../infra/lab/machine/machine-spec.ts";

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface HostObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly operationalStatus: string;
    readonly errorType?: string;
    readonly errorMessage: string;
    readonly errorCount: number;
    readonly poweredOn: boolean;
    readonly provisioning: { readonly state: string; readonly image?: { readonly url?: string } };
    readonly conditions?: readonly Condition[];
  };
}

/** "": not decided about yet. */
export function stateOf(host: HostObject | undefined): string {
  return host?.status?.provisioning.state ?? "";
}

/** The condition farrier.dev/Operation. */
export function operationOf(host: HostObject | undefined): Condition | undefined {
  return host?.status?.conditions?.find(({ type }) => type === "farrier.dev/Operation");
}

/** Where a host stands, in one line for failures. */
export function describeHost(host: HostObject | undefined): string {
  if (host === undefined) return "no such host";
  const { errorMessage = "", operationalStatus = "" } = host.status ?? {};
  const { reason = "", message = "" } = operationOf(host) ?? {};
  return `${stateOf(host)} · ${operationalStatus} · ${errorMessage} · ${reason}: ${message}`;
}

export const namespace = "horses";

export function secretManifest(name: string, stringData: Readonly<Record<string, string>>): object {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData };
}

/** The Secret of the machine's BMC and a host for the machine; `spec` is added to the host's own. */
export function hostManifests(machine: MachineSpec, spec: object = {}): object[] {
  const { name, bmc, firmware, mac } = machine;
  const credentialsName = `${name}-bmc`;
  return [
    secretManifest(credentialsName, { username: bmc.username, password: bmc.password }),
    {
      apiVersion: "metal3.io/v1alpha1",
      kind: "BareMetalHost",
      metadata: { name, namespace },
      spec: {
        online: true,
        bootMode: firmware === "uefi" ? "UEFI" : "legacy",
        bootMACAddress: mac,
        bmc: { address: `ipmi://${bmc.address}:${bmc.port}`, credentialsName },
        ...spec,
      },
    },
  ];
}

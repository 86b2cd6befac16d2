// Reading of the whole fleet at a moment, for judges: hosts with the machines that are theirs alone, and what their
// Secrets hold.
import type { KubernetesObject } from "../world/events.ts";
import type { MachineTruth, Truth } from "../world/truth.ts";
import { specOf } from "./host-of.ts";

export interface FleetHost {
  readonly cluster: string;
  readonly object: KubernetesObject;
}

export function allHosts(truth: Truth): readonly FleetHost[] {
  return truth.clusters.flatMap((cluster) =>
    [...truth.objects(cluster).values()]
      .filter(({ kind }) => kind === "BareMetalHost")
      .map((object) => ({ cluster, object })),
  );
}

/** Whose BMC the host names, if no other host names it and the boot MAC is the machine's. */
export function machineOf(truth: Truth, host: KubernetesObject): MachineTruth | undefined {
  const { uid } = host.metadata;
  const { bmc, bootMACAddress = "" } = specOf(host);
  const address = bmc?.address?.replace(/^ipmi:\/\//, "") ?? "";
  const machine = [...truth.machines.values()].find(
    ({ bmcAddress }) => bmcAddress === address || bmcAddress === `${address}:623`,
  );
  if (machine === undefined || !machine.macs.includes(bootMACAddress.toLowerCase())) {
    return undefined;
  }
  const hosts = truth.hostsOf(machine.name);
  return hosts.length === 1 && hosts[0]?.object.metadata.uid === uid ? machine : undefined;
}

/** A machine whose firmware and BMC do as they are told, once nothing is wrong with them for a while. */
export function isOrdinary({ quirks }: MachineTruth): boolean {
  return quirks.length === 0;
}

/** What the Secret of the host's BMC holds; undefined: there is none. */
export function passwordOf(truth: Truth, { cluster, object }: FleetHost): string | undefined {
  const { bmc } = object.spec as { readonly bmc?: { readonly credentialsName?: string } };
  const { namespace } = object.metadata;
  for (const { kind, metadata, data } of truth.objects(cluster).values()) {
    if (kind !== "Secret" || metadata.namespace !== namespace) continue;
    if (metadata.name !== bmc?.credentialsName) continue;
    const { password } = (data ?? {}) as { readonly password?: string };
    return password === undefined ? undefined : Buffer.from(password, "base64").toString();
  }
  return undefined;
}

// The YAML that a person would write for the demo's machines.
import { stringify } from "yaml";
import { networkData } from "../lab/network-data.ts";
import type { MachineSpec } from "../lab/machine/machine-spec.ts";

export const namespace = "horses";

/** A Secret and a BareMetalHost, as documents of one file. */
export function hostManifest(
  machine: MachineSpec,
  spec: Readonly<Record<string, unknown>> = {},
): string {
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: `${machine.name}-bmc`, namespace },
    stringData: { username: machine.bmc.username, password: machine.bmc.password },
  };
  const host = {
    apiVersion: "metal3.io/v1alpha1",
    kind: "BareMetalHost",
    metadata: { name: machine.name, namespace },
    spec: {
      online: true,
      bootMode: machine.firmware === "uefi" ? "UEFI" : "legacy",
      bootMACAddress: machine.mac,
      bmc: { address: `ipmi://${machine.bmc.address}`, credentialsName: `${machine.name}-bmc` },
      ...spec,
    },
  };
  return `${stringify(secret)}---\n${stringify(host)}`;
}

/** The last part of an address of the site's network, outside the agent's own range. */
export function ownAddress(siteAddress: string, machine: MachineSpec): string {
  return siteAddress.replace(/\d+$/, String(10 + Number(machine.name.slice(1))));
}

function secret(name: string, stringData: Record<string, string>): string {
  return stringify({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData });
}

/** A Secret with the address that the machine's system has. */
export function networkDataSecret(machine: MachineSpec, siteAddress: string): string {
  const address = ownAddress(siteAddress, machine);
  const text = networkData({ mac: machine.mac, address });
  return secret(`${machine.name}-network-data`, { networkData: text });
}

/** A Secret with user data that calls `callBackUrl` at the first boot. */
export function userDataSecret(machine: MachineSpec, callBackUrl: string): string {
  const userData = [
    "#cloud-config",
    `fqdn: ${machine.name}.paddock.test`,
    "runcmd:",
    `  - [sh, -c, 'curl -s --retry 20 --retry-connrefused "${callBackUrl}?instance=$(cat /var/lib/cloud/data/instance-id)&host=$(hostname)"']`,
    "",
  ].join("\n");
  return secret(`${machine.name}-user-data`, { userData });
}

/** The patch that gives a host an operating system. */
export function imagePatch(machine: MachineSpec, image: { url: string; sha256: string }): string {
  return JSON.stringify({
    spec: {
      image: { url: image.url, checksum: image.sha256, checksumType: "sha256", format: "qcow2" },
      userData: { name: `${machine.name}-user-data` },
    },
  });
}

/** What is written is written to the first disk, and its system gets its address. */
export function deploymentSpec(machine: MachineSpec): Readonly<Record<string, unknown>> {
  return {
    rootDeviceHints: { serialNumber: machine.disks[0]?.serial },
    networkData: { name: `${machine.name}-network-data` },
  };
}

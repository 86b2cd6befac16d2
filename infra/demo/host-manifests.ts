// The YAML that a person would write for the demo's machines.
import { stringify } from "yaml";
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

export interface Deployment {
  readonly machine: MachineSpec;
  /** The address that the machine gets from its network data. */
  readonly address: string;
  readonly siteAddress: string;
  /** Where its first boot calls. */
  readonly callBackUrl: string;
}

/** Secrets with user data and network data for a machine. */
export function dataSecrets(deployment: Deployment): string {
  const { machine, address, siteAddress, callBackUrl } = deployment;
  const userData = [
    "#cloud-config",
    `fqdn: ${machine.name}.paddock.test`,
    "runcmd:",
    `  - [sh, -c, 'curl -s --retry 20 --retry-connrefused "${callBackUrl}?instance=$(cat /var/lib/cloud/data/instance-id)&host=$(hostname)"']`,
    "",
  ].join("\n");
  const networkData = {
    links: [{ id: "nic0", type: "phy", ethernet_mac_address: machine.mac, mtu: 1500 }],
    networks: [
      {
        id: "net0",
        type: "ipv4",
        link: "nic0",
        ip_address: address,
        netmask: "255.255.255.0",
        gateway: siteAddress,
        network_id: "net0",
      },
    ],
    services: [],
  };
  const secret = (name: string, stringData: Record<string, string>) =>
    stringify({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData });
  return [
    secret(`${machine.name}-user-data`, { userData }),
    secret(`${machine.name}-network-data`, { networkData: JSON.stringify(networkData) }),
  ].join("---\n");
}

/** The patch that gives a host an operating system. */
export function imagePatch(machine: MachineSpec, image: { url: string; sha256: string }): string {
  return JSON.stringify({
    spec: {
      image: { url: image.url, checksum: image.sha256, checksumType: "sha256", format: "qcow2" },
      rootDeviceHints: { serialNumber: machine.disks[0]?.serial },
      userData: { name: `${machine.name}-user-data` },
      networkData: { name: `${machine.name}-network-data` },
    },
  });
}

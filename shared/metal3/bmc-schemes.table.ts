// The schemes of spec.bmc.address and what each lets a host do, as upstream's
// pkg/hardwareutils/bmc has them. Which of them an agent can drive today is the agent's to say.

export interface BmcScheme {
  readonly name: string;
  /** "ipmi", or "redfish" for the whole family. */
  readonly protocol: "ipmi" | "redfish";
  /** Plain HTTP has 80. */
  readonly defaultPort: number;
  readonly boot: "network" | "virtual-media" | "uefi-http";
  /** The host needs bootMACAddress whatever inspection says. */
  readonly alwaysNeedsBootMac: boolean;
  readonly liveIso: boolean;
  readonly needsProvisioningNetwork: boolean;
  readonly secureBoot: boolean;
  readonly raid: boolean;
  /** inspectionMode "fast": hardware details without a ramdisk. */
  readonly fastInspection: boolean;
  /** Settings of HostFirmwareSettings are reachable. */
  readonly firmwareSettings: boolean;
  /** Hardware profile that the scheme implies. */
  readonly profile?: string;
}

const ipmi: BmcScheme = {
  name: "ipmi",
  protocol: "ipmi",
  defaultPort: 623,
  boot: "network",
  alwaysNeedsBootMac: false,
  liveIso: false,
  needsProvisioningNetwork: true,
  secureBoot: false,
  raid: false,
  fastInspection: false,
  firmwareSettings: false,
};

const redfish: BmcScheme = {
  name: "redfish",
  protocol: "redfish",
  defaultPort: 443,
  boot: "network",
  alwaysNeedsBootMac: false,
  liveIso: false,
  needsProvisioningNetwork: true,
  secureBoot: true,
  raid: true,
  fastInspection: true,
  firmwareSettings: true,
};

const virtualMedia = {
  boot: "virtual-media",
  liveIso: true,
  needsProvisioningNetwork: false,
} as const;

export const bmcSchemes: readonly BmcScheme[] = [
  ipmi,
  { ...ipmi, name: "libvirt", alwaysNeedsBootMac: true, profile: "libvirt" },
  redfish,
  { ...redfish, name: "ilo5-redfish" },
  { ...redfish, name: "redfish-virtualmedia", ...virtualMedia },
  { ...redfish, name: "ilo5-virtualmedia", ...virtualMedia },
  {
    ...redfish,
    name: "redfish-uefihttp",
    boot: "uefi-http",
    liveIso: true,
    needsProvisioningNetwork: false,
  },
  { ...redfish, name: "idrac-redfish" },
  { ...redfish, name: "idrac-virtualmedia", ...virtualMedia },
];

// All rules about one BareMetalHost by itself. Numbers in comments are those of upstream's webhook rules; a rule without
// one is ours.
import { quote } from "../../result.ts";
import type { BareMetalHost } from "../bare-metal-host.ts";
import { annotationRules } from "./annotation-rules.table.ts";
import { bmcRules } from "./bmc-rules.table.ts";
import type { HostRule } from "./host-rule.ts";
import { imageRules } from "./image-rules.table.ts";

const profiles = ["unknown", "empty", "libvirt", "dell", "dell-raid", "openstack"];
const uuid = /^([0-9a-f]{32}|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12})$/i;

function dataReference(field: "userData" | "networkData" | "metaData"): HostRule {
  return {
    id: `${field.toLowerCase()}-namespace`, // W3
    field: `spec.${field}.namespace`,
    where: "both",
    check: ({ spec, metadata }) => {
      const namespace = spec[field]?.namespace ?? "";
      if (namespace === "" || namespace === metadata.namespace) return undefined;
      return `Forbidden: ${quote(namespace)} is not the host's own namespace ${quote(metadata.namespace)}; copy the Secret there, and remove this field`;
    },
    cel: {
      expression: `!has(object.spec.${field}) || !has(object.spec.${field}.namespace) || object.spec.${field}.namespace == '' || object.spec.${field}.namespace == object.metadata.namespace`,
      message: `spec.${field}.namespace must be the namespace of the host`,
      value: `object.spec.${field}.namespace`,
    },
  };
}

function softwareVolumes({ spec }: BareMetalHost) {
  return spec.raid?.softwareRAIDVolumes ?? [];
}

function hardwareVolumes({ spec }: BareMetalHost) {
  return spec.raid?.hardwareRAIDVolumes ?? [];
}

function rootVolumeProblem(host: BareMetalHost): string | undefined {
  const roots = softwareVolumes(host).filter(({ rootVolume }) => rootVolume);
  const [root] = roots;
  if (root === undefined) return undefined;
  if (roots.length > 1) return `${roots.length} volumes have rootVolume; keep one`;
  if (host.spec.rootDeviceHints !== undefined) {
    return "a rootVolume is the root device, and spec.rootDeviceHints names another; remove one of them";
  }
  return root.level === "1" ? undefined : `the rootVolume has level ${quote(root.level)}; use "1"`;
}

const plainRules: readonly HostRule[] = [
  {
    id: "firmware", // W2
    field: "spec.firmware",
    where: "both",
    check: ({ spec }) =>
      spec.firmware === undefined
        ? undefined
        : "is no longer supported; remove it and use a HostFirmwareSettings object",
    cel: {
      expression: "!has(object.spec.firmware)",
      message: "spec.firmware is no longer supported; use a HostFirmwareSettings object",
    },
  },
  dataReference("userData"),
  dataReference("networkData"),
  dataReference("metaData"),
  {
    id: "raid-both", // W4
    field: "spec.raid",
    where: "both",
    check: (host) =>
      hardwareVolumes(host).length > 0 && softwareVolumes(host).length > 0
        ? "has hardware and software volumes; keep one kind"
        : undefined,
    cel: {
      expression:
        "!has(object.spec.raid) || !has(object.spec.raid.hardwareRAIDVolumes) || !has(object.spec.raid.softwareRAIDVolumes) || size(object.spec.raid.hardwareRAIDVolumes) == 0 || size(object.spec.raid.softwareRAIDVolumes) == 0",
      message: "spec.raid must not have both hardware and software volumes",
    },
  },
  {
    id: "raid-controller", // W5
    field: "spec.raid.hardwareRAIDVolumes",
    where: "both",
    check: (host) => {
      const index = hardwareVolumes(host).findIndex(
        ({ physicalDisks = [], controller = "" }) => physicalDisks.length > 0 && controller === "",
      );
      return index < 0
        ? undefined
        : `volume ${index} has physicalDisks without a controller; name it`;
    },
  },
  {
    id: "raid-disk-count", // W6
    field: "spec.raid.hardwareRAIDVolumes",
    where: "both",
    check: (host) => {
      const index = hardwareVolumes(host).findIndex(
        ({ physicalDisks = [], numberOfPhysicalDisks: count }) =>
          physicalDisks.length > 0 && count !== undefined && count !== physicalDisks.length,
      );
      return index < 0
        ? undefined
        : `volume ${index} has a numberOfPhysicalDisks that is not the number of its physicalDisks; correct or remove it`;
    },
  },
  {
    id: "raid-root-volume", // W7
    field: "spec.raid.softwareRAIDVolumes",
    where: "both",
    check: rootVolumeProblem,
  },
  {
    id: "name", // W12
    field: "metadata.name",
    where: "both",
    check: ({ metadata: { name } }) => {
      if (uuid.test(name))
        return `${quote(name)} is a UUID, which stands for a machine; choose a name`;
      return /^[A-Za-z0-9._-]*$/.test(name)
        ? undefined
        : `${quote(name)} has characters other than A–Z a–z 0–9 . - _; choose another name`;
    },
    cel: {
      expression:
        "!object.metadata.name.matches('^([0-9a-f]{32}|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12})$')",
      message: "metadata.name must not be a UUID",
    },
  },
  {
    id: "hint-device-name", // W13
    field: "spec.rootDeviceHints.deviceName",
    where: "both",
    check: ({ spec }) => {
      const name = spec.rootDeviceHints?.deviceName ?? "";
      return name === "" || /^\/dev\/(disk\/by-path\/)?[^/\s]+$/.test(name)
        ? undefined
        : `${quote(name)} is neither /dev/NAME nor /dev/disk/by-path/NAME; use one of these, or serialNumber or wwn`;
    },
    cel: {
      expression:
        "!has(object.spec.rootDeviceHints) || !has(object.spec.rootDeviceHints.deviceName) || object.spec.rootDeviceHints.deviceName == '' || object.spec.rootDeviceHints.deviceName.matches('^/dev/(disk/by-path/)?[^/ ]+$')",
      message: "spec.rootDeviceHints.deviceName must be /dev/NAME or /dev/disk/by-path/NAME",
      value: "object.spec.rootDeviceHints.deviceName",
    },
  },
  {
    id: "hint-hctl",
    field: "spec.rootDeviceHints.hctl",
    where: "both",
    check: ({ spec }) => {
      const hctl = spec.rootDeviceHints?.hctl ?? "";
      return hctl === "" || /^\d+:\d+:\d+:\d+$/.test(hctl)
        ? undefined
        : `${quote(hctl)} is not four numbers with colons, such as "0:0:0:0"; correct it`;
    },
  },
  {
    id: "power-conflict", // W21
    field: "spec.online",
    where: "both",
    check: ({ spec }) =>
      spec.disablePowerOff === true && !spec.online
        ? "is false, and spec.disablePowerOff is true; change one of them"
        : undefined,
    cel: {
      expression:
        "!has(object.spec.disablePowerOff) || !object.spec.disablePowerOff || object.spec.online",
      message: "spec.online must be true while spec.disablePowerOff is true",
    },
  },
  {
    id: "network-interfaces", // W22
    field: "spec.networkInterfaces",
    where: "both",
    check: ({ spec }) => {
      const seen = new Map<string, number>();
      for (const [index, { name = "", macAddress = "" }] of (
        spec.networkInterfaces ?? []
      ).entries()) {
        if ((name === "") === (macAddress === "")) {
          return `entry ${index} has ${name === "" ? "neither" : "both"} of name and macAddress; give one`;
        }
        const selector = (name + macAddress).toLowerCase();
        const earlier = seen.get(selector);
        if (earlier !== undefined)
          return `entries ${earlier} and ${index} select the same interface`;
        seen.set(selector, index);
      }
      return undefined;
    },
  },
  {
    id: "hardware-profile",
    field: "spec.hardwareProfile",
    where: "status",
    check: ({ spec }) => {
      const profile = spec.hardwareProfile ?? "";
      return profile === "" || profiles.includes(profile)
        ? undefined
        : `${quote(profile)} is unknown; remove it, or use one of ${profiles.join(", ")}`;
    },
  },
];

export const hostRules: readonly HostRule[] = [
  ...plainRules,
  ...bmcRules,
  ...imageRules,
  ...annotationRules,
];

// What is known of the machine: hardware details, and the pins (identity and disks) that every destructive
// operation is checked against. Pins come from our own inspection only, or at an adoption from HardwareData.
import { hardwareDetailsAnnotation, inspectAnnotation } from "../../metal3/annotations.ts";
import type { BareMetalHost, RootDeviceHints } from "../../metal3/bare-metal-host.ts";
import {
  hardwareDetails,
  type HardwareDetails,
  type Storage,
} from "../../metal3/hardware-details.ts";
import type { OperationResult } from "../../protocol/operation.ts";
import type { DiskIdentity, MachineIdentity } from "../../protocol/ramdisk.ts";
import { diskIdentityOf } from "../disk-identity.ts";
import {
  annotationOf,
  event,
  isDeleting,
  stateOf,
  takeAnnotation,
  target,
  type Draft,
} from "../draft.ts";
import type { HostState } from "../state.table.ts";
import { chooseRootDisk, hasRootSize } from "../root-device-hints.ts";
import { ok, type Result } from "../../result.ts";

type Inspected = Extract<OperationResult, { kind: "inspect" }>;

export function inspectionDisabled(host: BareMetalHost): boolean {
  return (
    host.spec.inspectionMode === "disabled" ||
    host.metadata.annotations?.[inspectAnnotation] === "disabled"
  );
}

export function pin(draft: Draft, result: Inspected): void {
  draft.memory.identity = result.identity;
  draft.memory.disks = result.disks;
}

export function publishHardware(draft: Draft, hardware: HardwareDetails): void {
  draft.memory.status.hardware = hardware;
  draft.writes.push({ kind: "hardware-data", ...target(draft), hardware });
}

/** A database may have been lost between the status that tells of an inspection and its HardwareData. */
export function restoreHardware(draft: Draft): void {
  const { hardware } = draft.memory.status;
  if (hardware !== undefined && draft.snapshot.hardware === undefined && !isDeleting(draft))
    publishHardware(draft, hardware);
}

/** Follows HardwareData and the annotation of people who know the hardware better than inspection. */
export function followHardware(draft: Draft): void {
  const { host, hardware } = draft.snapshot;
  const { status } = draft.memory;
  const disabled = inspectionDisabled(host);
  if (hardware !== undefined && (disabled || status.hardware === undefined)) {
    if (!disabled && isInspected(draft)) Object.assign(draft.memory, pinsOf(hardware));
    status.hardware = hardware;
  }
  takeHardwareAnnotation(draft, disabled);
  const arch = status.hardware?.cpu?.arch ?? "";
  if ((host.spec.architecture ?? "") === "" && arch !== "") {
    draft.writes.push({ kind: "architecture", ...target(draft), architecture: arch });
  }
}

const inspectedStates: readonly (HostState | undefined)[] = [
  "preparing",
  "available",
  "provisioning",
  "provisioned",
  "deprovisioning",
];

/** Not by us: it was adopted, before its HardwareData came. */
function isInspected(draft: Draft): boolean {
  return draft.memory.identity === undefined && inspectedStates.includes(stateOf(draft));
}

function takeHardwareAnnotation(draft: Draft, disabled: boolean): void {
  const text = annotationOf(draft, hardwareDetailsAnnotation);
  if (text === undefined) return;
  const details = parseHardware(text);
  const { status } = draft.memory;
  const isWanted = status.hardware === undefined || disabled;
  if (details !== undefined && isWanted && draft.snapshot.hardware === undefined) {
    publishHardware(draft, details);
    event(
      draft,
      "Normal",
      "UpdateHardwareDetails",
      "took the hardware details from the annotation",
    );
  } else {
    event(draft, "Normal", "RemoveAnnotation", "removed the hardware details annotation unused");
  }
  takeAnnotation(draft, hardwareDetailsAnnotation);
}

/** Undefined for anything but JSON of the right form. */
function parseHardware(text: string): HardwareDetails | undefined {
  try {
    return hardwareDetails.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Pins as good as HardwareData allows. Undefined where it says too little to recognise a machine. */
export function pinsOf(
  hardware: HardwareDetails | undefined,
): { identity: MachineIdentity; disks: DiskIdentity[] } | undefined {
  const macs = [...new Set((hardware?.nics ?? []).flatMap(({ mac }) => mac?.toLowerCase() ?? []))];
  if (hardware === undefined || macs.length === 0) return undefined;
  const serialNumber = hardware.systemVendor?.serialNumber ?? "";
  return {
    identity: { macs: macs.toSorted(), ...(serialNumber === "" ? {} : { serialNumber }) },
    disks: (hardware.storage ?? []).map(diskIdentityOf),
  };
}

/** Profiles of old that name the root disk. */
const profileHints: Readonly<Record<string, RootDeviceHints>> = {
  libvirt: { deviceName: "/dev/vda" },
  dell: { hctl: "0:0:0:0" },
  "dell-raid": { hctl: "0:2:0:0" },
  openstack: { deviceName: "/dev/vdb" },
};
/** The hints in force: the spec's, else the profile's; undefined: the smallest disk of at least 4 GiB. */
export function hintsOf(draft: Draft): RootDeviceHints | undefined {
  const { spec } = draft.snapshot.host;
  if (spec.rootDeviceHints !== undefined) return spec.rootDeviceHints;
  const { hardware, hardwareProfile: profile = "unknown" } = draft.memory.status;
  if (profile !== "unknown")
    return Object.hasOwn(profileHints, profile) ? profileHints[profile] : undefined;
  return firstDisk(hardware?.storage ?? []);
}

/** "unknown" means /dev/sda upstream; here only where there is one, and not where only others are large enough. */
function firstDisk(disks: readonly Storage[]): RootDeviceHints | undefined {
  const deviceName = "/dev/sda";
  const first = disks.find(
    ({ name, alternateNames = [] }) => name === deviceName || alternateNames.includes(deviceName),
  );
  if (first === undefined) return undefined;
  return hasRootSize(first) || !disks.some(hasRootSize) ? { deviceName } : undefined;
}

/**
 * The hints for the write: of an inspected machine those of the one disk that was chosen, by what it is, for
 * names change from boot to boot. "no-disk": none or several fit.
 */
export function pinnedHints(draft: Draft): Result<RootDeviceHints | undefined, "no-disk"> {
  const hints = hintsOf(draft);
  const storage = draft.memory.status.hardware?.storage ?? [];
  if (inspectionDisabled(draft.snapshot.host) || storage.length === 0) return ok(hints);
  const choice = chooseRootDisk(hints, storage);
  if (!choice.ok) return choice;
  const { serialNumber = "", wwn = "" } = choice.value.disk;
  if (serialNumber === "" && wwn === "") return ok(hints);
  return ok({
    ...(serialNumber === "" ? {} : { serialNumber }),
    ...(wwn === "" ? {} : { wwn }),
  });
}

// The plan of a change in warnings: which disks it will erase or overwrite, by name, size and serial number.
// kubectl shows them on apply and on a server-side dry run. Promises nothing: the state may move meanwhile.
import { describeDisk, diskIdentityOf } from "../../shared/host/disk-identity.ts";
import { chooseRootDisk } from "../../shared/host/root-device-hints.ts";
import {
  unsupportedDeploy,
  unsupportedImage,
  unsupportedRaid,
} from "../../shared/host/concerns/unsupported.ts";
import {
  detachedAnnotation,
  pausedAnnotation,
  rebuildAnnotation,
  statusAnnotation,
} from "../../shared/metal3/annotations.ts";
import type { BareMetalHost, Image } from "../../shared/metal3/bare-metal-host.ts";
import type { DiskIdentity } from "../../shared/protocol/ramdisk.ts";
import type { FleetView } from "./fleet-facts.ts";

const maxDisks = 6;
/** With these a host is left alone, or is in the middle of a move. */
const handsOff = [pausedAnnotation, detachedAnnotation, statusAnnotation];

export function planWarnings(
  host: BareMetalHost,
  old: BareMetalHost | undefined,
  view: FleetView | undefined,
): readonly string[] {
  const { annotations = {} } = host.metadata;
  if (handsOff.some((name) => annotations[name] !== undefined)) return [];
  const { spec } = host;
  if ((spec.bmc?.address ?? "") === "" || spec.externallyProvisioned === true) return [];
  const unsupported = [unsupportedRaid(spec), unsupportedDeploy(spec), unsupportedImage(spec)];
  return [
    ...unsupported.filter((problem) => problem !== undefined),
    ...(old === undefined || stateOf(host) === ""
      ? planOfNew(host)
      : planOfChange(host, old, view)),
  ];
}

/** On creation nothing is known of the machine yet. */
function planOfNew({ spec }: BareMetalHost): readonly string[] {
  const erases =
    spec.automatedCleaningMode === "disabled"
      ? []
      : [
          "the partition tables of ALL disks of this machine will be erased before it becomes available; to keep data set automatedCleaningMode: disabled or externallyProvisioned: true",
        ];
  if (!writes(spec.image, spec.online)) return erases;
  return [...erases, `then ${spec.image?.url ?? ""} will be written to its root disk`];
}

function planOfChange(
  host: BareMetalHost,
  old: BareMetalHost,
  view: FleetView | undefined,
): readonly string[] {
  const { image, online } = host.spec;
  const writesAnew = writes(image, online);
  if (isInUse(host)) {
    const givesUp = isGivenUp(host) && !isGivenUp(old);
    if (!givesUp && !isNewAnnotation(host, old, rebuildAnnotation)) return [];
    return [...erasePlan(host, view), ...(writesAnew ? writePlan(host, view, "then ") : [])];
  }
  const wroteBefore = writes(old.spec.image, old.spec.online) && old.spec.image?.url === image?.url;
  const isFree = ["available", "ready"].includes(stateOf(host));
  return isFree && writesAnew && !wroteBefore ? writePlan(host, view, "") : [];
}

function isInUse(host: BareMetalHost): boolean {
  return ["provisioned", "provisioning"].includes(stateOf(host));
}

/** What is on the disk is not what the spec names. */
function isGivenUp({ spec, status }: BareMetalHost): boolean {
  const written = status?.provisioning.image?.url ?? "";
  return written !== "" && written !== (spec.image?.url ?? "");
}

function erasePlan(host: BareMetalHost, view: FleetView | undefined): readonly string[] {
  if (host.spec.automatedCleaningMode === "disabled") {
    return [
      "this change deprovisions the host; its disks keep their data (automatedCleaningMode: disabled)",
    ];
  }
  const disks = disksOf(host, view);
  if (disks.length === 0)
    return ["this change erases the partition tables of all disks of the host"];
  const shown = disks.slice(0, maxDisks).map((disk) => `this change erases ${describeDisk(disk)}`);
  const more = disks.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more disks`] : shown;
}

function writePlan(
  host: BareMetalHost,
  view: FleetView | undefined,
  begin: string,
): readonly string[] {
  const url = host.spec.image?.url ?? "";
  const storage = (view?.hardware ?? host.status?.hardware)?.storage ?? [];
  if (storage.length === 0) return [`${begin}${url} will be written to the root disk of the host`];
  const choice = chooseRootDisk(rootHints(host), storage);
  if (!choice.ok) return [`${begin}nothing can be written: ${choice.error.message}`.slice(0, 250)];
  const disk = describeDisk(diskIdentityOf(choice.value.disk));
  return [`${begin}${url} will be written over ${disk}, chosen ${choice.value.because}`];
}

function rootHints(host: BareMetalHost) {
  return host.spec.rootDeviceHints ?? host.status?.provisioning.rootDeviceHints;
}

function disksOf(host: BareMetalHost, view: FleetView | undefined): readonly DiskIdentity[] {
  if (view?.memory?.disks !== undefined) return view.memory.disks;
  return ((view?.hardware ?? host.status?.hardware)?.storage ?? []).map(diskIdentityOf);
}

function writes(image: Image | undefined, online: boolean): boolean {
  return online && (image?.url ?? "") !== "";
}

function stateOf(host: BareMetalHost): string {
  return host.status?.provisioning.state ?? "";
}

function isNewAnnotation(host: BareMetalHost, old: BareMetalHost, name: string): boolean {
  return (
    host.metadata.annotations?.[name] !== undefined &&
    old.metadata.annotations?.[name] === undefined
  );
}

// Which disk is which: what a disk is (serial number, WWN, size) counts, never where it is plugged in.
// The ramdisk, the fences and the plan compare disks by this rule alone.
import type { Storage } from "../metal3/hardware-details.ts";
import type { DiskIdentity } from "../protocol/ramdisk.ts";

/** The identity of a disk of the inventory. */
export function diskIdentityOf(disk: Storage): DiskIdentity {
  const wwn = disk.wwnWithExtension ?? disk.wwn;
  return {
    name: disk.name ?? "",
    ...(disk.serialNumber === undefined ? {} : { serialNumber: disk.serialNumber }),
    ...(wwn === undefined ? {} : { wwn }),
    sizeBytes: disk.sizeBytes ?? 0,
  };
}

/** Size, serial number and WWN agree; a disk that has neither of the two is known by its name as well. */
export function isSameDisk(a: DiskIdentity, b: DiskIdentity): boolean {
  if (a.sizeBytes !== b.sizeBytes || a.serialNumber !== b.serialNumber || a.wwn !== b.wwn) {
    return false;
  }
  const anonymous = a.serialNumber === undefined && a.wwn === undefined;
  return !anonymous || a.name === b.name;
}

/** For messages: "/dev/sda (serial S1, 10.0 GiB)". */
export function describeDisk(disk: DiskIdentity): string {
  const serial = disk.serialNumber === undefined ? "no serial" : `serial ${disk.serialNumber}`;
  return `${disk.name} (${serial}, ${(disk.sizeBytes / 1024 ** 3).toFixed(1)} GiB)`;
}

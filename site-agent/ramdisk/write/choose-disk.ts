// Which of the machine's disks is written: the one that the root device hints describe, among those that were
// inspected and approved. Nothing is guessed: none or several is an error.
import { describeDisk, diskIdentityOf, isSameDisk } from "../../../shared/host/disk-identity.ts";
import { chooseRootDisk } from "../../../shared/host/root-device-hints.ts";
import type { RootDeviceHints } from "../../../shared/metal3/bare-metal-host.ts";
import type { DiskIdentity } from "../../../shared/protocol/ramdisk.ts";
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { ListedDisk } from "../inventory/read-disks.ts";

export interface ChosenDisk {
  readonly listed: ListedDisk;
  /** For people: "/dev/sda (serial S1, 10.0 GiB), by serialNumber". */
  readonly description: string;
}

export function chooseDisk(
  listed: readonly ListedDisk[],
  approved: readonly DiskIdentity[],
  hints: RootDeviceHints | undefined,
): Result<ChosenDisk, "no-disk" | "identity"> {
  const candidates = listed.filter(({ storage }) =>
    approved.some((each) => isSameDisk(each, diskIdentityOf(storage))),
  );
  if (candidates.length === 0) {
    const present = listed.map(describeListed).join(", ") || "none";
    return err(
      "identity",
      `None of the ${approved.length} inspected disks is in this machine, which has ${present}; inspect the host again`,
    );
  }
  const choice = chooseRootDisk(hints, storagesOf(candidates));
  const chosen = choice.ok && candidates.find(({ storage }) => storage === choice.value.disk);
  if (choice.ok && chosen !== false && chosen !== undefined) {
    return ok({
      listed: chosen,
      description: `${describeListed(chosen)}, ${choice.value.because}`,
    });
  }
  // A disk that was changed since the inspection is another problem than a wrong hint.
  const among = chooseRootDisk(hints, storagesOf(listed));
  const fits = among.ok ? listed.find(({ storage }) => storage === among.value.disk) : undefined;
  if (fits !== undefined) {
    return err(
      "identity",
      `Disk ${describeListed(fits)} fits spec.rootDeviceHints, but is not one of the inspected disks; inspect the host again`,
    );
  }
  return err("no-disk", choice.ok ? "" : choice.error.message);
}

function storagesOf(disks: readonly ListedDisk[]) {
  return disks.map(({ storage }) => storage);
}

function describeListed({ devicePath, storage }: ListedDisk): string {
  return describeDisk({ ...diskIdentityOf(storage), name: devicePath });
}

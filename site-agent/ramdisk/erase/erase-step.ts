// The erase step: all disks of the list, or none when one of them is not there.
import { describeDisk, diskIdentityOf, isSameDisk } from "../../../shared/host/disk-identity.ts";
import type { DiskIdentity, ErasedDisk } from "../../../shared/protocol/ramdisk.ts";
import { readDisks } from "../inventory/read-disks.ts";
import type { ListedDisk } from "../inventory/read-disks.ts";
import { stepError } from "../step.ts";
import type { OutcomeOf, StepContext, StepResult } from "../step.ts";
import { eraseDisk } from "./erase-disk.ts";

/**
 * A disk that cannot be erased is reported as such and the others are erased all the same: every disk of the
 * list has its report.
 */
export async function eraseStep(
  disks: readonly DiskIdentity[],
  context: StepContext,
): Promise<StepResult<OutcomeOf<"erase">>> {
  const listed = await readDisks(context.ports.system);
  const targets: ListedDisk[] = [];
  for (const wanted of disks) {
    const found = listed.filter(({ storage }) => isSameDisk(wanted, diskIdentityOf(storage)));
    if (found.length === 0) return missing(wanted, listed);
    // One disk on two paths is listed twice.
    for (const each of found) if (!targets.includes(each)) targets.push(each);
  }
  if (targets.length === 0) return { ok: true, value: { kind: "erase", disks: [] } };
  const may = await context.mayDestroy(targets.map(({ storage }) => diskIdentityOf(storage)));
  if (!may.ok) return stepError(may.error.kind, may.error.message, false);
  const reports: ErasedDisk[] = [];
  for (const [index, target] of targets.entries()) {
    if (context.signal.aborted) {
      return stepError(
        "cancelled",
        `Cancelled after ${index} of ${targets.length} disks`,
        index > 0,
      );
    }
    const place = `${target.devicePath}, ${index + 1} of ${targets.length}`;
    const report = await eraseDisk(context.ports, target, (doneBytes, totalBytes) => {
      context.onProgress({ step: "EraseMetadata", doneBytes, totalBytes, detail: place });
    });
    reports.push(report);
  }
  return { ok: true, value: { kind: "erase", disks: reports } };
}

function missing(
  wanted: DiskIdentity,
  listed: readonly ListedDisk[],
): StepResult<OutcomeOf<"erase">> {
  const present = listed.map(({ storage }) => describeDisk(diskIdentityOf(storage)));
  return stepError(
    "identity",
    `Disk ${describeDisk(wanted)} is not in this machine, which has ${present.join(", ") || "none"}; inspect the host again`,
    false,
  );
}

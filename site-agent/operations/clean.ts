// clean: remove signatures, labels and partition tables from every disk of the pinned inventory. A disk that was
// not reported clean is not clean.
import { describeDisk, isSameDisk } from "../../shared/host/disk-identity.ts";
import type { DiskIdentity, ErasedDisk } from "../../shared/protocol/ramdisk.ts";
import { fail, type RunOperation } from "./operation-context.ts";
import { bootRamdisk } from "./steps/boot-ramdisk.ts";
import { leaveRamdisk } from "./steps/leave-ramdisk.ts";
import { pinnedDisks } from "./steps/pinned-disks.ts";
import { runStep } from "./steps/run-step.ts";

export const clean: RunOperation<"clean"> = async (context, payload) => {
  const disks = pinnedDisks(context);
  const session = await bootRamdisk(context);
  context.report({ step: "Erasing" });
  const erased = await runStep(context, session, {
    kind: "erase",
    mode: payload.mode,
    disks: [...disks],
  });
  const problems = disks.flatMap((disk) => problemOf(disk, erased.disks) ?? []);
  if (problems.length > 0) {
    fail(
      "disk",
      `${problems.length} of ${disks.length} disks could not be cleaned: ${problems.join("; ")}. Replace or detach them, then inspect the host again.`,
    );
  }
  const on = await leaveRamdisk(context, session, payload.afterwards);
  return { kind: "clean", on, disks: erased.disks };
};

function problemOf(disk: DiskIdentity, reports: readonly ErasedDisk[]): string | undefined {
  const own = reports.filter((report) => isSameDisk(report.disk, disk));
  const bad = own.find((report) => !report.ok);
  if (bad !== undefined) return `${describeDisk(disk)}: ${bad.detail}`;
  return own.length === 0 ? `${describeDisk(disk)}: not reported` : undefined;
}

// clean: remove signatures, labels and partition tables from every disk of the pinned inventory.
import { bootRamdisk } from "./steps/boot-ramdisk.ts";
import { leaveRamdisk } from "./steps/leave-ramdisk.ts";
import { fail, type RunOperation } from "./operation-context.ts";
import { runStep } from "./steps/run-step.ts";

export const clean: RunOperation<"clean"> = async (context, payload) => {
  const disks = context.document.spec.disks ?? [];
  const session = await bootRamdisk(context);
  context.report({ step: "Erasing" });
  const erased =
    disks.length === 0
      ? { disks: [] }
      : await runStep(context, session, { kind: "erase", mode: payload.mode, disks });
  const bad = erased.disks.filter((disk) => !disk.ok);
  if (bad.length > 0) {
    const list = bad.map((each) => `${each.disk.name}: ${each.detail}`).join("; ");
    fail(
      "disk",
      `Not every disk could be cleaned: ${list}. Replace or detach the disk, then inspect the host again.`,
    );
  }
  const on = await leaveRamdisk(context, session, payload.afterwards);
  return { kind: "clean", on, disks: erased.disks };
};

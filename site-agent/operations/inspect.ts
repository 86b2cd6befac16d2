// inspect: boot the ramdisk and read the machine's inventory. Destroys nothing but the power state.
import type { DiskIdentity } from "../../shared/protocol/ramdisk.ts";
import type { HardwareDetails } from "../../shared/metal3/hardware-details.ts";
import { bootRamdisk } from "./steps/boot-ramdisk.ts";
import { leaveRamdisk } from "./steps/leave-ramdisk.ts";
import type { RunOperation } from "./operation-context.ts";
import { runStep } from "./steps/run-step.ts";

export const inspect: RunOperation<"inspect"> = async (context, payload) => {
  const session = await bootRamdisk(context);
  context.report({ step: "ReadingInventory" });
  const found = await runStep(context, session, { kind: "inspect" });
  const on = await leaveRamdisk(context, session, payload.afterwards);
  return {
    kind: "inspect",
    on,
    hardware: found.hardware,
    identity: found.identity,
    disks: disksOf(found.hardware),
  };
};

function disksOf(hardware: HardwareDetails): DiskIdentity[] {
  return (hardware.storage ?? []).map((disk) => ({
    name: disk.name ?? "",
    sizeBytes: disk.sizeBytes ?? 0,
    ...(disk.serialNumber === undefined ? {} : { serialNumber: disk.serialNumber }),
    ...(disk.wwn === undefined ? {} : { wwn: disk.wwn }),
  }));
}

// inspect: boot the ramdisk and read the machine's inventory. Destroys nothing but the power state.
import { diskIdentityOf } from "../../shared/host/disk-identity.ts";
import type { RunOperation } from "./operation-context.ts";
import { bootRamdisk } from "./steps/boot-ramdisk.ts";
import { leaveRamdisk } from "./steps/leave-ramdisk.ts";
import { runStep } from "./steps/run-step.ts";

export const inspect: RunOperation<"inspect"> = async (context, payload) => {
  const session = await bootRamdisk(context);
  context.report({ step: "ReadingInventory" });
  const { hardware, identity } = await runStep(context, session, { kind: "inspect" });
  const on = await leaveRamdisk(context, session, payload.afterwards);
  const disks = (hardware.storage ?? []).map(diskIdentityOf);
  return { kind: "inspect", on, hardware, identity, disks };
};

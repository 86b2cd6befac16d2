// What becomes of the ramdisk when its work is done: it stays for the next operation, the power goes off, or the
// machine boots its own disk. Asking the ramdisk is politeness: what it wrote is flushed, so that a ramdisk that
// does not answer costs nothing but time.
import type { Bmc } from "../../bmc/port.ts";
import type { RamdiskSession } from "../../sessions/port.ts";
import { OperationError, type Context } from "../operation-context.ts";
import { openFollowing } from "./follow-credentials.ts";
import {
  bootOwnDisk,
  goesOff,
  mayTouch,
  powerOff,
  powerOn,
  readPower,
  resetPower,
} from "./power-control.ts";
import { runStep } from "./run-step.ts";

/** For the ramdisk to end by itself. */
const leaveMs = 15_000;

/** Whether the power is on afterwards. The work is done: if the power may not be cut now, the ramdisk stays. */
export async function leaveRamdisk(
  context: Context,
  session: RamdiskSession,
  afterwards: "stay" | "power-off",
): Promise<boolean> {
  if (afterwards === "stay" || context.keepsPower()) return true;
  const bmc = await openFollowing(context);
  try {
    await mayTouch(context, "destroy");
  } catch (thrown) {
    if (!(thrown instanceof OperationError) || thrown.kind === "cancelled") throw thrown;
    context.site.log.warn("the ramdisk stays", { reason: thrown.message });
    return true;
  }
  await switchOff(context, session, bmc);
  return false;
}

/** From the ramdisk to the host's own disk. Whether the power is on afterwards. */
export async function leaveToDisk(context: Context, session: RamdiskSession): Promise<boolean> {
  const bmc = await openFollowing(context);
  if (context.keepsPower()) {
    await bootOwnDisk(context, bmc);
    if (!(await ask(context, session, "reboot"))) await resetPower(context, bmc);
  } else {
    await switchOff(context, session, bmc);
    await bootOwnDisk(context, bmc);
    await powerOn(context, bmc);
  }
  return await readPower(context, bmc);
}

async function switchOff(context: Context, session: RamdiskSession, bmc: Bmc): Promise<void> {
  await mayTouch(context, "destroy");
  if (await ask(context, session, "power-off")) await goesOff(context, bmc, leaveMs);
  await powerOff(context, bmc, "hard");
}

async function ask(
  context: Context,
  session: RamdiskSession,
  how: "reboot" | "power-off",
): Promise<boolean> {
  const { log, sessions } = context.site;
  const { hostUid } = context.document;
  try {
    await runStep(context, session, { kind: "leave", how });
    return true;
  } catch (thrown) {
    if (!(thrown instanceof OperationError) || thrown.kind === "cancelled") throw thrown;
    log.warn("the ramdisk did not leave", { host: hostUid, reason: thrown.message });
    return false;
  } finally {
    sessions.forget(hostUid);
  }
}

// What becomes of the ramdisk when its work is done: it stays for the next operation, or the power goes off.
import type { RamdiskSession } from "../../sessions/port.ts";
import type { Context } from "../operation-context.ts";
import { openBmc, powerOff } from "./power-control.ts";
import { runStep } from "./run-step.ts";

/** Whether the power is on afterwards. */
export async function leaveRamdisk(
  context: Context,
  session: RamdiskSession,
  afterwards: "stay" | "power-off",
): Promise<boolean> {
  if (afterwards === "stay") return true;
  await runStep(context, session, { kind: "leave", how: "power-off" });
  context.site.sessions.forget(context.document.hostUid);
  await powerOff(context, await openBmc(context), "hard");
  return false;
}

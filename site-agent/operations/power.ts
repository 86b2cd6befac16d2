// power: on, off, or off and on again; soft with fall-back to hard. A host's own disk is what it boots.
import { bmcFailures } from "./failure-kinds.table.ts";
import { valueOf, type Context, type RunOperation } from "./operation-context.ts";
import { openBmc, powerOff, powerOn, readPower } from "./steps/power-control.ts";
import type { Bmc } from "../bmc/port.ts";

export const power: RunOperation<"power"> = async (context, payload) => {
  const bmc = await openBmc(context);
  const { want, mode } = payload;
  if (want !== "on") await powerOff(context, bmc, mode);
  if (want !== "off") {
    if (!(await readPower(bmc))) await bootOwnDisk(context, bmc);
    await powerOn(context, bmc);
  } else {
    context.site.sessions.forget(context.document.hostUid);
  }
  return { kind: "power", on: await readPower(bmc) };
};

/** Asserted right before every power-on: a stale PXE override would boot the network instead. */
export async function bootOwnDisk(context: Context, bmc: Bmc): Promise<void> {
  const uefi = context.document.spec.bootMode !== "legacy";
  valueOf(await bmc.setBootDevice({ device: "disk", persistent: true, uefi }), bmcFailures);
}

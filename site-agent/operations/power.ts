// power: on, off, or off and on again; soft with fall-back to hard. A host's own disk is what it boots. A host
// that must not be switched off is reset.
import { fail, type Context, type RunOperation } from "./operation-context.ts";
import { openBmc } from "./steps/open-bmc.ts";
import {
  bootOwnDisk,
  powerOff,
  powerOn,
  isSurelyOn,
  readPower,
  resetPower,
} from "./steps/power-control.ts";
import type { Bmc } from "../bmc/port.ts";

export const power: RunOperation<"power"> = async (context, payload) => {
  const bmc = await openBmc(context);
  const { want, mode } = payload;
  if (want === "reboot" && context.keepsPower()) {
    await restart(context, bmc);
    return { kind: "power", on: await readPower(context, bmc) };
  }
  if (want === "off" && context.keepsPower()) {
    fail("fenced", "The power was left alone: spec.disablePowerOff is true.");
  }
  if (want !== "on") await powerOff(context, bmc, mode);
  if (want !== "off") await start(context, bmc);
  return { kind: "power", on: await readPower(context, bmc) };
};

async function start(context: Context, bmc: Bmc): Promise<void> {
  if (await isSurelyOn(bmc)) return;
  await bootOwnDisk(context, bmc);
  await powerOn(context, bmc);
}

async function restart(context: Context, bmc: Bmc): Promise<void> {
  if (!(await readPower(context, bmc))) return await start(context, bmc);
  await bootOwnDisk(context, bmc);
  await resetPower(context, bmc);
  context.site.sessions.forget(context.document.hostUid);
}

// Getting the ramdisk up on a host: the one that is still there (fast track), or power off, boot device PXE,
// answer its MAC, power on, wait. A boot that does not arrive ends in time and tells what was seen.
import { toHex } from "../../../shared/bytes.ts";
import type { RamdiskSession } from "../../sessions/port.ts";
import { fail, type Context, type Strangers } from "../operation-context.ts";
import { explainBoot } from "./explain-boot.ts";
import { openBmc } from "./open-bmc.ts";
import {
  powerOff,
  powerOn,
  readPower,
  resetPower,
  setBootDevice,
  throwIfCancelled,
} from "./power-control.ts";

export async function bootRamdisk(context: Context): Promise<RamdiskSession> {
  const { site, document } = context;
  const alive = site.sessions.session(document.hostUid);
  if (alive?.alive() === true) return alive;
  const mac = document.spec.bootMACAddress?.toLowerCase();
  if (mac === undefined) {
    fail(
      "boot-timeout",
      "spec.bootMACAddress is not set: the boot network would not know this machine.",
    );
  }
  const bmc = await openBmc(context);
  const isReset = context.keepsPower() && (await readPower(context, bmc));
  if (!isReset) await powerOff(context, bmc, "hard");
  const deviceProblem = await setBootDevice(context, bmc, "pxe");
  const sinceMs = site.clock.nowMs();
  const strangers = context.watchStrangers();
  try {
    answerMachine(context, mac);
    if (isReset) await resetPower(context, bmc);
    else await powerOn(context, bmc);
    context.report({ step: "BootingRamdisk" });
    return await arrival(context, { mac, sinceMs, strangers, isReset, deviceProblem });
  } catch (thrown) {
    // Whoever comes now comes to nobody.
    site.sessions.forget(document.hostUid);
    throw thrown;
  } finally {
    strangers.stop();
    site.netboot.withdraw(mac);
  }
}

/** From now on the boot network answers, and the ramdisk that it starts is expected. */
function answerMachine({ site, document, operation }: Context, mac: string): void {
  const bootToken = toHex(site.crypto.randomBytes(32));
  site.sessions.expect({ hostUid: document.hostUid, mac, bootToken });
  site.netboot.allow({
    hostUid: document.hostUid,
    operationId: operation.id,
    mac,
    kernelParameters: [
      { name: "farrier.agent", value: site.ramdiskServer.url },
      { name: "farrier.fingerprint", value: site.ramdiskServer.fingerprint },
      { name: "farrier.token", value: bootToken },
      { name: "farrier.mac", value: mac },
    ],
  });
}

interface Boot {
  readonly mac: string;
  /** Wall clock, from before the power-on. */
  readonly sinceMs: number;
  readonly strangers: Strangers;
  readonly isReset: boolean;
  readonly deviceProblem: string | undefined;
}

async function arrival(context: Context, boot: Boot): Promise<RamdiskSession> {
  const { site, document, signal } = context;
  const { mac, sinceMs } = boot;
  const arrived = await site.sessions.waitFor(document.hostUid, {
    timeoutMs: site.bounds.bootMs,
    signal,
  });
  if (arrived.ok) return arrived.value;
  throwIfCancelled(signal);
  const message = explainBoot({
    ...boot,
    waitedMs: site.bounds.bootMs,
    sightings: site.netboot.sightings(mac, sinceMs),
    strangers: boot.strangers.macs(),
  });
  fail("boot-timeout", message);
}

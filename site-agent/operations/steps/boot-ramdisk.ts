// Getting the ramdisk up on a host: the one that is still there (fast track), or power off, boot device PXE,
// answer its MAC, power on, wait. A boot that does not arrive ends in time and tells what was seen.
import { toHex } from "../../../shared/bytes.ts";
import type { RamdiskSession } from "../../sessions/port.ts";
import { explainBoot } from "./explain-boot.ts";
import { bmcFailures } from "../failure-kinds.table.ts";
import { fail, valueOf, type Context } from "../operation-context.ts";
import { openBmc, powerOff, powerOn, throwIfCancelled } from "./power-control.ts";

export async function bootRamdisk(context: Context): Promise<RamdiskSession> {
  const { site, document, operation } = context;
  const alive = site.sessions.session(document.hostUid);
  if (alive?.alive() === true) return alive;
  const mac = document.spec.bootMACAddress?.toLowerCase();
  if (mac === undefined) {
    fail(
      "bmc-address",
      "spec.bootMACAddress is not set: the boot network would not know this machine.",
    );
  }
  const bmc = await openBmc(context);
  await powerOff(context, bmc, "hard");
  const uefi = document.spec.bootMode !== "legacy";
  valueOf(await bmc.setBootDevice({ device: "pxe", persistent: false, uefi }), bmcFailures);
  const bootToken = toHex(site.crypto.randomBytes(32));
  site.sessions.expect({ hostUid: document.hostUid, mac, bootToken });
  const sinceMs = site.clock.nowMs();
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
  try {
    await powerOn(context, bmc);
    context.report({ step: "BootingRamdisk" });
    return await arrival(context, mac, sinceMs);
  } finally {
    site.netboot.withdraw(mac);
  }
}

async function arrival(context: Context, mac: string, sinceMs: number): Promise<RamdiskSession> {
  const { site, document, signal } = context;
  const arrived = await site.sessions.waitFor(document.hostUid, {
    timeoutMs: site.bounds.bootMs,
    signal,
  });
  if (arrived.ok) return arrived.value;
  throwIfCancelled(signal);
  site.sessions.forget(document.hostUid);
  fail(
    "boot-timeout",
    explainBoot({
      mac,
      poweredOnAtMs: sinceMs,
      waitedMs: site.bounds.bootMs,
      sightings: site.netboot.sightings(mac, sinceMs),
      strangers: site.netboot.strangers(sinceMs),
    }),
  );
}

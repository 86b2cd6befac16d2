// Switching a host's power: fence, act, read back until it shows. "Accepted" is no evidence.
import type { Bmc, PowerAction } from "../../bmc/port.ts";
import { bmcFailures } from "../failure-kinds.table.ts";
import { fail, valueOf, type Context } from "../operation-context.ts";

const credentialsForm = /^\s*\{/;

/** The host's BMC with its credentials opened. */
export async function openBmc(context: Pick<Context, "document" | "site">): Promise<Bmc> {
  const { spec } = context.document;
  if (spec.credentials === undefined) {
    fail("secret", "The BMC credentials have not arrived at this site yet.");
  }
  const opened = valueOf(
    await context.site.openSecret(spec.credentials, {
      hostUid: context.document.hostUid,
      purpose: "bmc",
      bmcAddress: spec.bmcAddress,
    }),
    { secret: "secret" },
  );
  const credentials = readCredentials(opened);
  const bmc = context.site.bmcs.bmc({
    address: spec.bmcAddress,
    ...credentials,
    credentialsVersion: spec.credentials.context.secretVersion,
  });
  return valueOf(bmc, bmcFailures);
}

/** The sealed text is JSON {"username","password"}. */
export function readCredentials(bytes: Uint8Array): { username: string; password: string } {
  const text = new TextDecoder().decode(bytes);
  const parsed: unknown = credentialsForm.test(text) ? JSON.parse(text) : {};
  const { username, password } = parsed as { username?: unknown; password?: unknown };
  if (typeof username !== "string" || typeof password !== "string") {
    fail("secret", 'The BMC Secret needs the keys "username" and "password".');
  }
  return { username, password };
}

export async function readPower(bmc: Bmc): Promise<boolean> {
  return valueOf(await bmc.readPower(), bmcFailures).on;
}

/** The fence for cutting or switching power; failing it is this operation's failure. */
export async function mayTouch(context: Context): Promise<void> {
  const refusal = await context.site.fences.mayTouch(context.received);
  if (refusal !== undefined) fail(refusal.kind, `The power was left alone: ${refusal.message}.`);
}

export async function powerOff(context: Context, bmc: Bmc, mode: "soft" | "hard"): Promise<void> {
  if (!(await readPower(bmc))) return;
  const { bounds } = context.site;
  if (mode === "soft") {
    await mayTouch(context);
    context.report({ step: "PoweringOffSoftly" });
    const sent = await bmc.sendPower("soft");
    if (sent.ok && (await becomes(context, bmc, false, bounds.softPowerOffMs))) return;
  }
  await mayTouch(context);
  context.report({ step: "PoweringOff" });
  await actUntil(context, bmc, "off", false);
}

export async function powerOn(context: Context, bmc: Bmc): Promise<void> {
  if (await readPower(bmc)) return;
  await mayTouch(context);
  context.report({ step: "PoweringOn" });
  await actUntil(context, bmc, "on", true);
}

async function actUntil(
  context: Context,
  bmc: Bmc,
  action: PowerAction,
  on: boolean,
): Promise<void> {
  valueOf(await bmc.sendPower(action), bmcFailures);
  const { powerMs } = context.site.bounds;
  if (await becomes(context, bmc, on, powerMs)) return;
  fail(
    "power-no-effect",
    `The BMC accepted power ${action}, but ${powerMs / 1000} s later the power is still ${on ? "off" : "on"}. Look at the machine, or reset its BMC.`,
  );
}

async function becomes(
  context: Context,
  bmc: Bmc,
  on: boolean,
  withinMs: number,
): Promise<boolean> {
  const { clock, bounds } = context.site;
  const until = clock.monotonicMs() + withinMs;
  while (clock.monotonicMs() < until) {
    throwIfCancelled(context.signal);
    if ((await readPower(bmc)) === on) return true;
    await clock.sleep(bounds.powerPollMs, context.signal);
  }
  return false;
}

export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) fail("cancelled", "The work was given up before it had destroyed anything.");
}

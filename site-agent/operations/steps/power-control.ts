// Switching a host's power: fence, act, read back until it shows. "Accepted" is no evidence. A host whose spec
// says disablePowerOff is reset, and never switched off.
import type { Bmc, BmcErrorKind, BootDevice, PowerReading } from "../../bmc/port.ts";
import type { Failure, Result } from "../../../shared/result.ts";
import type { GuardedAct } from "../../link/site-guard.ts";
import { bmcFailures } from "../failure-kinds.table.ts";
import { fail, givenUp, leftAlone, valueOf, type Context } from "../operation-context.ts";

const againMs = 5_000;

/** As the BMC tells it, as soon as that is in no doubt: it may not have shown its last command yet, or have lost it. */
export async function readPower(context: Context, bmc: Bmc): Promise<boolean> {
  const { clock, bounds } = context.site;
  for (;;) {
    const { on, doubtful } = valueOf(await bmc.readPower(), bmcFailures);
    if (!doubtful) return on;
    throwIfStopped(context);
    await clock.sleep(bounds.powerPollMs, context.signal);
  }
}

/** And no command that the BMC was given since says otherwise: it may have lost that one. */
export async function isSurelyOn(bmc: Bmc): Promise<boolean> {
  return isOnForSure(valueOf(await bmc.readPower(), bmcFailures));
}

/** Undefined: the BMC has not shown yet what it was told. */
export async function shownPower(bmc: Bmc): Promise<boolean | undefined> {
  const { on, doubtful } = valueOf(await bmc.readPower(), bmcFailures);
  return doubtful ? undefined : on;
}

function isOnForSure({ on, doubtful }: PowerReading): boolean {
  return on && !doubtful;
}

/** The fence before anything changes the machine's state; failing it is this operation's failure. */
export async function mayTouch(context: Context, act: GuardedAct): Promise<void> {
  const depth = context.depth();
  if (depth === "destroying") return;
  throwIfCancelled(context.signal);
  const { fences } = context.site;
  const refusal =
    depth === "cut"
      ? fences.mayGoOn(context.received)
      : await fences.mayTouch(context.received, act);
  if (refusal !== undefined) fail(refusal.kind, leftAlone(refusal));
  throwIfCancelled(context.signal);
}

/**
 * Nothing happens when it is off already, and no command says otherwise. A soft one that has no effect in time becomes
 * a hard one.
 */
export async function powerOff(context: Context, bmc: Bmc, mode: "soft" | "hard"): Promise<void> {
  const seen = await patiently(context, () => bmc.readPower());
  const isOn = seen.on || seen.doubtful;
  // Whether one that still shows off has gone off by itself cannot be seen.
  const isSoft = mode === "soft" && !seen.doubtful;
  if (isOn && !(isSoft && (await powerOffSoftly(context, bmc)))) {
    await mayPowerOff(context);
    context.report({ step: "PoweringOff" });
    await patiently(context, () => bmc.sendPower("off"));
    await becomesOrFails(context, bmc, "off");
  }
  if (isOn) context.noteCut();
  // Whatever ran on it is gone, a ramdisk too.
  context.site.sessions.forget(context.document.hostUid);
}

async function powerOffSoftly(context: Context, bmc: Bmc): Promise<boolean> {
  await mayPowerOff(context);
  context.report({ step: "PoweringOffSoftly" });
  const sent = await bmc.sendPower("soft");
  return sent.ok && (await becomes(context, bmc, false, context.site.bounds.softPowerOffMs)).done;
}

async function mayPowerOff(context: Context): Promise<void> {
  await mayTouch(context, "destroy");
  if (context.keepsPower()) {
    fail("fenced", "The power was left alone: spec.disablePowerOff is true.");
  }
}

export async function powerOn(context: Context, bmc: Bmc): Promise<void> {
  if (isOnForSure(await patiently(context, () => bmc.readPower()))) return;
  await mayTouch(context, "touch");
  context.report({ step: "PoweringOn" });
  await patiently(context, () => bmc.sendPower("on"));
  await becomesOrFails(context, bmc, "on");
}

/** A restart that never switches off; nothing at the BMC shows whether it has happened. */
export async function resetPower(context: Context, bmc: Bmc): Promise<void> {
  await mayTouch(context, "destroy");
  context.report({ step: "Resetting" });
  valueOf(await bmc.sendPower("reset"), bmcFailures);
  context.noteCut();
}

/**
 * What the host boots next. A BMC that cannot be told is no reason to stop: what the host boots shows by itself.
 * The problem is returned for people.
 */
export async function setBootDevice(
  context: Context,
  bmc: Bmc,
  device: BootDevice,
): Promise<string | undefined> {
  await mayTouch(context, "touch");
  const uefi = context.document.spec.bootMode !== "legacy";
  const request = { device, persistent: device === "disk", uefi };
  const set = await patientlyTried(context, () => bmc.setBootDevice(request));
  if (set.ok) return undefined;
  const { kind, message } = set.error;
  if (kind !== "unsupported" && kind !== "refused") fail(bmcFailures[kind], message);
  context.site.log.warn("boot device not set", { host: context.document.hostUid, reason: message });
  return message;
}

/**
 * The host's own disk, asserted right before every power-on: a stale override would boot the network instead.
 * What an externally provisioned host boots is not ours.
 */
export async function bootOwnDisk(context: Context, bmc: Bmc): Promise<void> {
  if (!context.document.spec.hold.externallyProvisioned) await setBootDevice(context, bmc, "disk");
}

/** Whether the power goes off by itself in time; an unanswered look is repeated. */
export async function goesOff(context: Context, bmc: Bmc, withinMs: number): Promise<boolean> {
  return (await becomes(context, bmc, false, withinMs)).done;
}

async function becomesOrFails(context: Context, bmc: Bmc, want: "on" | "off"): Promise<void> {
  const { powerMs } = context.site.bounds;
  const { done, error } = await becomes(context, bmc, want === "on", powerMs);
  if (done) return;
  if (error !== undefined) fail(bmcFailures[error.kind], error.message);
  fail(
    "power-no-effect",
    `The BMC accepted power ${want}, but ${powerMs / 1000} s later the power is still ${want === "on" ? "off" : "on"}. Look at the machine, or reset its BMC.`,
  );
}

/** `error`: why the last look had no answer. BMCs are busy while they switch. */
async function becomes(
  context: Context,
  bmc: Bmc,
  on: boolean,
  withinMs: number,
): Promise<{ readonly done: boolean; readonly error?: Failure<BmcErrorKind> }> {
  const { clock, bounds } = context.site;
  const until = clock.monotonicMs() + withinMs;
  for (;;) {
    const seen = await bmc.readPower();
    if (seen.ok && seen.value.on === on) return { done: true };
    throwIfStopped(context);
    if (!seen.ok) throwIfRefused(context, seen.error);
    if (clock.monotonicMs() >= until) {
      return seen.ok ? { done: false } : { done: false, error: seen.error };
    }
    await clock.sleep(bounds.powerPollMs, context.signal);
  }
}

/** A BMC that lets nobody in shows nothing, however long one waits; other credentials come with other work. */
function throwIfRefused(context: Context, { kind, message }: Failure<BmcErrorKind>): void {
  if (context.depth() === "destroying") return;
  if (kind === "credentials" || kind === "login-budget") fail(bmcFailures[kind], message);
}

/** Past the point of no return a BMC that is away for a moment must not cost the whole work. */
async function patiently<T>(
  context: Context,
  call: () => Promise<Result<T, BmcErrorKind>>,
): Promise<T> {
  return valueOf(await patientlyTried(context, call), bmcFailures);
}

async function patientlyTried<T>(
  context: Context,
  call: () => Promise<Result<T, BmcErrorKind>>,
): Promise<Result<T, BmcErrorKind>> {
  const { clock, bounds } = context.site;
  const until = clock.monotonicMs() + bounds.powerMs;
  for (;;) {
    const result = await call();
    const isPassing =
      !result.ok && (result.error.kind === "unreachable" || result.error.kind === "busy");
    const isPatient = context.depth() === "destroying" && clock.monotonicMs() < until;
    if (!isPassing || !isPatient) return result;
    await clock.sleep(againMs);
  }
}

/** Past the point of no return the work is finished, whoever gave it up. */
function throwIfStopped(context: Context): void {
  if (context.depth() !== "destroying") throwIfCancelled(context.signal);
}

export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) {
    fail("cancelled", givenUp);
  }
}

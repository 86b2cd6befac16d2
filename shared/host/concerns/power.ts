// Power in the states where a host can be used: follows spec.online and the reboot annotations. One power
// operation per difference; what the agent reads back counts, not that the BMC accepted.
import { readReboots, rebootAnnotation } from "../../metal3/annotations.ts";
import { because, clearErrors, event, settled, stateOf, takeAnnotation, wait } from "../draft.ts";
import type { Draft, EndedOperation, Stop } from "../draft.ts";
import { order } from "../order.ts";
import type { HostMemory, OperationView } from "../snapshot.ts";
import { failOperation } from "../status/errors.ts";
import { isoTime } from "../status/iso-time.ts";

/** After this long without a report the BMC is asked by the operation itself. */
const reportBoundMs = 60_000;

/**
 * Takes in what the agent reports; the end of an operation overtakes reports that came before it. Only times
 * of one agent are compared; a wrong guess costs one more power operation, which reads before it acts.
 */
export function observePower(draft: Draft): void {
  const { memory, snapshot } = draft;
  const { power: report } = snapshot;
  const end = powerAtEnd(snapshot.operation);
  if (report !== undefined && isNews(report.atMs, memory, end)) {
    memory.power = { on: report.on, reportAtMs: report.atMs };
  } else if (end !== undefined) {
    const overtaken = report === undefined ? {} : { reportAtMs: report.atMs };
    memory.power = end.on === undefined ? overtaken : { on: end.on, ...overtaken };
  }
  if (memory.power?.on !== undefined) memory.status.poweredOn = memory.power.on;
}

interface PowerAtEnd {
  /** Undefined: not known. */
  readonly on: boolean | undefined;
  readonly atMs: number;
}

function powerAtEnd(operation: OperationView | undefined): PowerAtEnd | undefined {
  const { kind, result, failure, endedAtMs: atMs = Infinity } = operation ?? {};
  if (result !== undefined) return result.kind === "recall" ? undefined : { on: result.on, atMs };
  // It may have booted the machine before it failed or was stopped.
  const mayHaveBooted = kind === "inspect" || kind === "clean" || kind === "provision";
  return failure !== undefined && mayHaveBooted ? { on: undefined, atMs } : undefined;
}

function isNews(atMs: number, { power: known }: HostMemory, end: PowerAtEnd | undefined): boolean {
  return atMs !== known?.reportAtMs && (end === undefined || atMs > end.atMs);
}

export function power(draft: Draft): Stop {
  const reboot = readRebootWish(draft);
  const isOn = draft.memory.power?.on;
  if (isOn === undefined) return waitForReport(draft);
  if (draft.snapshot.host.spec.disablePowerOff === true)
    return powerWithoutOff(draft, isOn, reboot);
  if (reboot.plain && !isOn) {
    takeAnnotation(draft, rebootAnnotation);
    return power(draft);
  }
  const wanted = draft.snapshot.host.spec.online && !reboot.plain && reboot.holders.length === 0;
  if (wanted === isOn) return steady(draft, wanted, reboot);
  return switchPower(draft, wanted ? "on" : "off", reboot);
}

interface RebootWish {
  readonly plain: boolean;
  readonly holders: readonly string[];
  readonly hard: boolean;
}

/** On an available host only forced requests count, as upstream has it. */
function readRebootWish(draft: Draft): RebootWish {
  const taken = draft.memory.taken ?? [];
  const requests = readReboots(draft.snapshot.host.metadata.annotations).filter(
    ({ key, force }) => !taken.includes(key) && (force || stateOf(draft) !== "available"),
  );
  return {
    plain: requests.some(({ holds }) => !holds),
    holders: requests.filter(({ holds }) => holds).map(({ key }) => key),
    hard: requests.some(({ hard }) => hard),
  };
}

function waitForReport(draft: Draft): Stop {
  const { nowMs, host } = draft.snapshot;
  const { memory } = draft;
  memory.powerAwaitedSinceMs ??= nowMs;
  const boundAtMs = memory.powerAwaitedSinceMs + reportBoundMs;
  if (nowMs < boundAtMs) {
    return wait(
      because("PowerUnknown", "waits for the site to report the power"),
      ["power"],
      boundAtMs,
    );
  }
  return switchPower(draft, host.spec.online ? "on" : "off", readRebootWish(draft));
}

/** disablePowerOff: a reboot is one reset; nothing can hold the host off. */
function powerWithoutOff(draft: Draft, isOn: boolean, reboot: RebootWish): Stop {
  if (!isOn) {
    if (reboot.plain) takeAnnotation(draft, rebootAnnotation);
    const { online } = draft.snapshot.host.spec;
    return online ? switchPower(draft, "on", reboot) : steady(draft, false, reboot);
  }
  return reboot.plain ? switchPower(draft, "reboot", reboot) : steady(draft, true, reboot);
}

function switchPower(draft: Draft, want: "on" | "off" | "reboot", reboot: RebootWish): Stop {
  const { status } = draft.memory;
  if (want === "off" && draft.snapshot.host.spec.disablePowerOff === true) {
    return wait(because("PowerOffDisabled", "spec.disablePowerOff is true: the host stays on"), [
      "spec",
    ]);
  }
  // A soft power-off that failed once is not tried again, as upstream has it.
  const isHard =
    reboot.hard || status.errorCount > 0 || status.errorType === "power management error";
  const what = want === "reboot" ? "reboots the host" : `switches the power ${want}`;
  return order(draft, { kind: "power", want, mode: isHard ? "hard" : "soft" }, what);
}

function steady(draft: Draft, isOn: boolean, reboot: RebootWish): Stop {
  const { memory, snapshot } = draft;
  delete memory.powerAwaitedSinceMs;
  if (memory.status.errorType === "power management error") clearErrors(draft);
  if (memory.status.errorType === undefined) memory.status.errorCount = 0;
  const held = reboot.holders.length > 0 && snapshot.host.spec.disablePowerOff !== true;
  if (held)
    return settled(because("HeldOff", `held off by annotation ${reboot.holders.join(", ")}`));
  const { site } = snapshot;
  if (site.kind === "site" && site.connection === "unreachable") {
    const message = `as desired when site ${site.name} was heard last, at ${isoTime(site.lastSeenMs)}`;
    return wait(because("SiteUnreachable", message), ["site", "spec"]);
  }
  return settled(because("Settled", `as desired, the power is ${isOn ? "on" : "off"}`));
}

/** The outcome of a power operation in a state where power follows the spec. */
export function powerEnded(draft: Draft, operation: EndedOperation): Stop | undefined {
  const { result, failure } = operation;
  if (failure !== undefined) return failOperation(draft, "power management error", failure);
  if (result?.kind !== "power") return undefined;
  delete draft.memory.powerAwaitedSinceMs;
  if (draft.memory.status.errorType === "power management error") clearErrors(draft);
  const isReset = draft.snapshot.host.spec.disablePowerOff === true && result.on;
  if (isReset && readRebootWish(draft).plain) {
    takeAnnotation(draft, rebootAnnotation);
    event(draft, "Normal", "Rebooted", "rebooted the host without switching it off");
  } else {
    event(
      draft,
      "Normal",
      result.on ? "PowerOn" : "PowerOff",
      `the host is ${result.on ? "on" : "off"}`,
    );
  }
  return undefined;
}

// Cleaning: when the disks must be erased, and taking in the report. A cleaning that failed, or whose outcome
// is not known, never counts as clean.
import type { ErrorType } from "../../metal3/bare-metal-host.ts";
import type { OperationResult } from "../../protocol/operation.ts";
import { describeDisk } from "../disk-identity.ts";
import { isDeleting, type Draft, type EndedOperation, type Stop } from "../draft.ts";
import { order } from "../order.ts";
import { failOperation } from "../status/errors.ts";
import { pin } from "./hardware.ts";

type Cleaned = Extract<OperationResult, { kind: "clean" }>;

export function cleaningDisabled(draft: Draft): boolean {
  return draft.snapshot.host.spec.automatedCleaningMode === "disabled";
}

/** Whether nothing was written since the last cleaning. */
export function isClean({ memory }: Draft): boolean {
  return memory.clean === true && memory.lateWork === undefined;
}

/** Whether something may be on the disks. A machine without disks has nothing to erase. */
export function needsCleaning(draft: Draft): boolean {
  const { identity, disks } = draft.memory;
  if (isClean(draft) || cleaningDisabled(draft)) return false;
  return identity === undefined || (disks ?? []).length > 0;
}

/** Orders the next operation towards clean disks; a machine that was never inspected is looked at first. */
export function clean(draft: Draft): Stop {
  const { host } = draft.snapshot;
  const mayStay = (host.spec.online && !isDeleting(draft)) || host.spec.disablePowerOff === true;
  if (draft.memory.identity === undefined) return look(draft);
  const payload = {
    kind: "clean",
    mode: "metadata",
    afterwards: mayStay ? "stay" : "power-off",
  } as const;
  const stop = order(draft, payload, "erases signatures and partition tables of all disks");
  if (draft.command !== undefined) {
    // Only a cleaning that was ordered after the late work erases what that left.
    draft.memory.clean = false;
    delete draft.memory.lateWork;
  }
  return stop;
}

/** Reads the inventory only to know later that this is still the same machine. Publishes nothing. */
export function look(draft: Draft): Stop {
  const why = "looks at the machine first, so that it can be recognised at the point of no return";
  return order(draft, { kind: "inspect", afterwards: "stay" }, why);
}

/** Outcome of a cleaning, or of the look before it. A failure stops the decision. */
export function cleaningEnded(
  draft: Draft,
  operation: EndedOperation,
  type: ErrorType,
): Stop | undefined {
  const { result, failure } = operation;
  if (failure !== undefined) return failOperation(draft, type, failure);
  if (result?.kind === "inspect") pin(draft, result);
  if (result?.kind !== "clean") return undefined;
  const message = reportProblem(result);
  if (message !== undefined) {
    return failOperation(draft, type, { kind: "disk", message, destroyed: true });
  }
  draft.memory.clean = true;
  delete draft.memory.written;
  draft.memory.cleaned = { atMs: draft.snapshot.nowMs, summary: summary(result) };
  return undefined;
}

function reportProblem({ disks }: Cleaned): string | undefined {
  if (disks.length === 0) return "the cleaning reported no disk at all";
  const failed = disks.filter(({ ok }) => !ok);
  if (failed.length === 0) return undefined;
  const list = failed.map(({ disk, detail }) => `${describeDisk(disk)}: ${detail}`);
  return `${failed.length} of ${disks.length} disks could not be erased: ${list.join("; ")}`;
}

function summary({ disks }: Cleaned): string {
  return disks.map(({ disk, detail }) => `${describeDisk(disk)}: ${detail}`).join("; ");
}

// The condition farrier.dev/Operation: what runs and how far it is, what is waited for, or how the last
// operation ended. The one place with open text in a schema that is upstream's.
import type { OperationProgress } from "../../protocol/operation.ts";
import type { Draft, Stop } from "../draft.ts";
import type { OperationView } from "../snapshot.ts";
import type { Verdict } from "./conditions.ts";

const operationConditionType = "farrier.dev/Operation";
/** At most one write of progress, steps included, in this time. */
const progressIntervalMs = 2_000;

const steps = {
  register: "Registering",
  inspect: "Inspecting",
  clean: "Cleaning",
  provision: "Provisioning",
  power: "SwitchingPower",
  recall: "Recalling",
} as const;

export function operationCondition(draft: Draft, stop: Stop): Verdict {
  const { memory, snapshot } = draft;
  const running = draft.consumed === undefined ? snapshot.operation : undefined;
  if (draft.command !== undefined) {
    memory.progressAtMs = snapshot.nowMs;
    const reason = steps[draft.command.payload.kind];
    return { type: operationConditionType, status: "True", reason, message: stop.because.message };
  }
  if (running !== undefined) return runningVerdict(draft, running, stop);
  const told = isOver(draft, stop) ? (memory.lastResult ?? stop.because) : stop.because;
  return { type: operationConditionType, status: "False", ...told };
}

/** Also where the work of a state has just succeeded: the next may have none, and needs no status of its own then. */
function isOver({ consumed, snapshot: { operation } }: Draft, { next }: Stop): boolean {
  if (next.kind === "settled") return true;
  const hasSucceeded = consumed !== undefined && operation?.result !== undefined;
  const awaited: readonly string[] = next.kind === "wait" ? next.awaited : [];
  return hasSucceeded && awaited.includes("write-back");
}

function runningVerdict(draft: Draft, operation: OperationView, stop: Stop): Verdict {
  const { memory, snapshot } = draft;
  const reason = operation.progress?.step ?? steps[operation.kind];
  const shown = memory.status.conditions?.find(({ type }) => type === operationConditionType);
  const isEarly =
    memory.progressAtMs !== undefined &&
    snapshot.nowMs < memory.progressAtMs + progressIntervalMs &&
    stop.because.reason === "Running";
  if (isEarly && shown?.status === "True") {
    const { reason: step, message } = shown;
    return { type: operationConditionType, status: "True", reason: step, message };
  }
  memory.progressAtMs = snapshot.nowMs;
  return { type: operationConditionType, status: "True", reason, message: stop.because.message };
}

/** When the progress that was held back may be written; undefined: nothing was. */
export function progressWakeMs(draft: Draft): number | undefined {
  const { progressAtMs } = draft.memory;
  if (progressAtMs === undefined || draft.snapshot.operation?.progress === undefined)
    return undefined;
  const atMs = progressAtMs + progressIntervalMs;
  return atMs > draft.snapshot.nowMs ? atMs : undefined;
}

/** "1.2 GiB of 4.0 GiB, 30 %, 95.0 MiB/s, 30 s left". */
export function progressText(progress: OperationProgress): string {
  const { doneBytes, totalBytes, bytesPerSecond, detail } = progress;
  const parts: string[] = [];
  if (doneBytes !== undefined && totalBytes !== undefined && totalBytes > 0) {
    const percent = Math.min(100, Math.floor((doneBytes / totalBytes) * 100));
    parts.push(`${bytesText(doneBytes)} of ${bytesText(totalBytes)}`, `${percent} %`);
  } else if (doneBytes !== undefined) {
    parts.push(bytesText(doneBytes));
  }
  if (bytesPerSecond !== undefined && bytesPerSecond > 0) {
    parts.push(`${bytesText(bytesPerSecond)}/s`);
    const leftBytes = (totalBytes ?? 0) - (doneBytes ?? 0);
    if (leftBytes > 0) parts.push(`${timeText(Math.ceil(leftBytes / bytesPerSecond))} left`);
  }
  if (detail !== undefined && detail !== "") parts.push(detail);
  return parts.join(", ");
}

export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  const power = bytes < 1024 ? 0 : Math.min(5, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ""}`;
}

/** "45 s", "3 min 20 s", "2 h 5 min". */
export function timeText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60)
    return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0
    ? `${minutes / 60} h`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

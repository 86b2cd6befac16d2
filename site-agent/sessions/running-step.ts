// One step that runs on a ramdisk: what has to be said of it, the question at its point of no return, its end.
// Knows no connection: whatever it sends may get lost and is said again after the next one opened.
import type { FromRamdisk, RamdiskStep, ToRamdisk } from "../../shared/protocol/ramdisk.ts";
import type { Log } from "../ports.ts";
import type { MayDestroyAnswer, RunOptions, StepResult } from "./port.ts";

export type Question = Extract<FromRamdisk, { type: "may-destroy" }>;
export type Report = Extract<FromRamdisk, { type: "progress" | "done" | "failed" }>;

export interface RunningStep {
  readonly step: RamdiskStep;
  readonly operationId: string;
  readonly result: Promise<StepResult>;
  /** Says what the ramdisk needs to know; it ignores what it knows already. */
  announce(): void;
  /** The answer to this question, to be sent by the caller if it still stands. */
  answer(question: Question): Promise<MayDestroyAnswer>;
  /** Call when an answer "go" is sent. */
  passedPointOfNoReturn(): void;
  /** True when the step has ended by this report. */
  report(report: Report): boolean;
  lose(message: string): void;
}

export function startStep(
  step: RamdiskStep,
  options: RunOptions,
  deps: { readonly send: (message: ToRamdisk) => void; readonly log: Log },
): RunningStep {
  const { operationId, operationToken, signal } = options;
  const { promise: result, resolve } = Promise.withResolvers<StepResult>();
  let destroyed = false;
  const onAbort = (): void => deps.send({ type: "cancel", operationId });
  signal.addEventListener("abort", onAbort);
  const finish = (ended: StepResult): void => {
    signal.removeEventListener("abort", onAbort);
    resolve(ended);
  };
  return {
    step,
    operationId,
    result,
    announce() {
      deps.send({ type: "run", operationId, operationToken, step });
      if (signal.aborted) onAbort();
    },
    async answer({ identity, disks }) {
      try {
        return await options.mayDestroy({ identity, disks });
      } catch (error) {
        deps.log.error("the question at the point of no return broke", {
          operation: operationId,
          error: String(error),
        });
        return { go: false, reason: "the agent failed to find an answer; its log says why" };
      }
    },
    passedPointOfNoReturn() {
      destroyed = true;
    },
    report(report) {
      if (report.type === "progress") {
        options.onProgress(report.progress);
        return false;
      }
      if (report.type === "failed") {
        finish({ ok: false, failure: report.failure });
        return true;
      }
      // The result of an earlier step of the same operation, said again.
      if (report.outcome.kind !== step.kind) return false;
      finish({ ok: true, outcome: report.outcome });
      return true;
    },
    lose(message) {
      finish({ ok: false, failure: { kind: "lost", message, destroyed } });
    },
  };
}

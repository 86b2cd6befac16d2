// Running one step on a ramdisk for an operation: its token, its progress, and the question at the point of
// no return, which is answered by the fences and journaled before the answer leaves.
import { toHex } from "../../../shared/bytes.ts";
import type { OperationErrorKind } from "../../../shared/protocol/operation.ts";
import type { RamdiskStep, StepOutcome } from "../../../shared/protocol/ramdisk.ts";
import type { MayDestroyAnswer, MayDestroyQuestion, RamdiskSession } from "../../sessions/port.ts";
import { stepFailures } from "../failure-kinds.table.ts";
import { fail, type Context } from "../operation-context.ts";
import { throwIfCancelled } from "./power-control.ts";

type OutcomeOf<Kind extends RamdiskStep["kind"]> = Extract<StepOutcome, { kind: Kind }>;

export async function runStep<Kind extends RamdiskStep["kind"]>(
  context: Context,
  session: RamdiskSession,
  step: Extract<RamdiskStep, { kind: Kind }>,
  token: string = newToken(context),
): Promise<OutcomeOf<Kind>> {
  if (context.depth() !== "destroying") throwIfCancelled(context.signal);
  let refusal: { kind: OperationErrorKind; message: string } | undefined;
  const mayDestroy = async (question: MayDestroyQuestion): Promise<MayDestroyAnswer> => {
    refusal = await mayDestroyFor(context, step, question);
    if (refusal !== undefined) return { go: false, reason: refusal.message };
    context.passPointOfNoReturn();
    return { go: true };
  };
  const result = await session.run(step, {
    operationId: context.operation.id,
    operationToken: token,
    mayDestroy,
    onProgress: (progress) => context.report(progress),
    signal: context.signal,
  });
  if (result.ok) {
    if (result.outcome.kind !== step.kind)
      fail("internal", `The ramdisk answered a ${step.kind} step with ${result.outcome.kind}.`);
    return result.outcome as OutcomeOf<Kind>;
  }
  if (refusal !== undefined) fail(refusal.kind, `Nothing was destroyed: ${refusal.message}.`);
  fail(stepFailures[result.failure.kind], result.failure.message);
}

async function mayDestroyFor(
  context: Context,
  step: RamdiskStep,
  question: MayDestroyQuestion,
): Promise<{ kind: OperationErrorKind; message: string } | undefined> {
  if (step.kind !== "erase" && step.kind !== "write") {
    return { kind: "identity", message: `a ${step.kind} step destroys nothing` };
  }
  const refusal = await context.site.fences.mayDestroy(context.received, question);
  if (refusal !== undefined) return refusal;
  return context.signal.aborted
    ? { kind: "cancelled", message: "the work was given up" }
    : undefined;
}

export function newToken(context: Context): string {
  return toHex(context.site.crypto.randomBytes(32));
}

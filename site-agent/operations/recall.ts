// recall: tells from the journal how the last write to a host ended, for a control plane whose database does not know
// it. Touches nothing. It runs after whatever was at work on the host, so that there is an end to tell of.
import type { OperationResult } from "../../shared/protocol/operation.ts";
import { outcomeAfterRestart, type JournalEntry } from "../link/journal.ts";
import type { RunOperation } from "./operation-context.ts";

type Recalled = Extract<OperationResult, { kind: "recall" }>;
type Write = NonNullable<Recalled["write"]>;

export const recall: RunOperation<"recall"> = async (context, { upToRevision }) => {
  const entries = context.journaled().filter(({ operation }) => operation.revision <= upToRevision);
  const last = entries.find(hasChangedDisks);
  const write = last === undefined ? undefined : writeOf(last);
  return {
    kind: "recall",
    isKnown: entries.length > 0,
    ...(write === undefined ? {} : { write }),
  };
};

/** What was refused before its first byte left the disks as they were. */
function hasChangedDisks({ operation: { payload }, state, outcome }: JournalEntry): boolean {
  if (payload.kind !== "clean" && payload.kind !== "provision") return false;
  const end = outcome ?? outcomeAfterRestart(state);
  return end.ok || end.failure.destroyed;
}

function writeOf({ operation, state, outcome }: JournalEntry): Write | undefined {
  const { payload, allocation } = operation;
  if (payload.kind !== "provision") return undefined;
  const { image, bootMode, rootDeviceHints } = payload;
  const end = outcome ?? outcomeAfterRestart(state);
  return {
    allocation,
    image,
    bootMode,
    ...(rootDeviceHints === undefined ? {} : { rootDeviceHints }),
    ...(end.ok ? writtenBy(end.result) : { failure: end.failure }),
  };
}

function writtenBy(result: OperationResult): Pick<Write, "written"> {
  if (result.kind !== "provision") return {};
  const { contentDigest, disk } = result;
  return { written: { contentDigest, disk } };
}

// The conditions of a host: upstream's five, whatever stood there of other types, and ours about the operation.
import type { Condition } from "../../metal3/condition.ts";
import { stateOf, type Draft, type Stop } from "../draft.ts";
import type { HostState } from "../state.table.ts";
import { stateConditions } from "./conditions.table.ts";
import { isoTime } from "./iso-time.ts";
import { operationCondition } from "./operation-condition.ts";

export type Verdict = Pick<Condition, "type" | "status" | "reason" | "message">;

/** Puts the conditions that follow from the draft into its status. */
export function stampConditions(draft: Draft, stop: Stop): void {
  const { status } = draft.memory;
  const { generation } = draft.snapshot.host.metadata;
  const now = isoTime(draft.snapshot.nowMs);
  const before = new Map((status.conditions ?? []).map((condition) => [condition.type, condition]));
  const verdicts = [...stateVerdicts(draft), operationCondition(draft, stop)];
  for (const verdict of verdicts) {
    const previous = before.get(verdict.type);
    const isSame = previous?.status === verdict.status;
    before.set(verdict.type, {
      ...verdict,
      lastTransitionTime: isSame ? previous.lastTransitionTime : now,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    });
  }
  status.conditions = [...before.values()].toSorted(byType).slice(0, 32);
}

/** Ready comes first, as upstream sorts them. */
function byType(left: Condition, right: Condition): number {
  if (left.type === "Ready" || right.type === "Ready") return left.type === "Ready" ? -1 : 1;
  return left.type < right.type ? -1 : 1;
}

function stateVerdicts(draft: Draft): readonly Verdict[] {
  const state = stateOf(draft) ?? "";
  const row = stateConditions[state];
  const { operationalStatus, errorMessage } = draft.memory.status;
  const provisioned = verdict("Provisioned", row.provisioned ?? false);
  const reasonNotReady = notReady[operationalStatus];
  return [
    manageable(draft, state),
    row.available === true
      ? { ...verdict("AvailableForProvisioning", true), reason: "Available" }
      : { ...verdict("AvailableForProvisioning", false), reason: "NotAvailable" },
    provisioned,
    reasonNotReady === undefined
      ? { ...provisioned, type: "Ready" }
      : { type: "Ready", status: "False", reason: reasonNotReady, message: errorMessage },
    progressing(operationalStatus === "detached" ? "Detached" : row.progressing),
  ];
}

const notReady: Readonly<Record<string, string>> = {
  error: "Error",
  servicing: "Servicing",
  detached: "Detached",
};

function verdict(type: string, isTrue: boolean): Verdict {
  return {
    type,
    status: isTrue ? "True" : "False",
    reason: isTrue ? type : `Not${type}`,
    message: "",
  };
}

function progressing(reason: string | undefined): Verdict {
  if (reason === "Detached") {
    return { type: "Progressing", status: "False", reason, message: "" };
  }
  return reason === undefined
    ? verdict("Progressing", false)
    : { type: "Progressing", status: "True", reason, message: "" };
}

function manageable(draft: Draft, state: HostState): Verdict {
  const { status } = draft.memory;
  const no = (reason: string, message = ""): Verdict => ({
    type: "Manageable",
    status: "False",
    reason,
    message,
  });
  const { unmanageable } = stateConditions[state];
  if (unmanageable !== undefined) {
    const hasFailed = state === "registering" && status.operationalStatus === "error";
    return hasFailed ? no("RegistrationFailed", status.errorMessage) : no(unmanageable);
  }
  const { bmcProblem } = draft.snapshot;
  const isTold = state !== "deleting" && status.operationalStatus !== "detached";
  if (isTold && bmcProblem !== undefined) return no("PowerFailure", bmcProblem);
  return verdict("Manageable", true);
}

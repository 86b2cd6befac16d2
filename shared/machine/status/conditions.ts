// From verdicts to the conditions of the status, in both forms, each with its summary Ready. A condition keeps its
// lastTransitionTime while its status stays.
import { isoTime } from "../../host/status/iso-time.ts";
import type { Condition } from "../../metal3/condition.ts";
import { deprecatedReasons, deprecatedTypes } from "./conditions.table.ts";
import type { AnyDraft, DeprecatedVerdict, Verdict } from "../draft.ts";

/** Judges a condition; and its v1beta1 form, where it has one. */
export function judge(draft: AnyDraft, type: string, verdict: Verdict): void {
  draft.verdicts.set(type, verdict);
  const deprecatedType = deprecatedTypes.get(type);
  if (deprecatedType === undefined) return;
  draft.deprecated.set(deprecatedType, deprecatedVerdict(verdict));
}

function deprecatedVerdict({ status, reason, message }: Verdict): DeprecatedVerdict {
  if (status === "True") return { status };
  const told = deprecatedReasons.get(reason);
  return {
    status,
    severity: told?.severity ?? "Error",
    reason: told?.reason ?? reason,
    ...(message === "" ? {} : { message: message.slice(0, 10_240) }),
  };
}

export function notTrue(reason: string, message: string): Verdict {
  return { status: "False", reason, message };
}

export function isTrue(reason: string, message = ""): Verdict {
  return { status: "True", reason, message };
}

/** Of a status. */
const mostConditions = 32;

interface Summary {
  /** Types that Ready sums up. */
  readonly of: readonly string[];
  readonly deprecatedOf: readonly string[];
  readonly prefix: string;
}

type Deprecated = Partial<Record<"severity" | "reason" | "message", string | undefined>> & {
  readonly status: string;
};

/** Puts the conditions that follow from the draft's verdicts into its status. */
export function stampConditions(draft: AnyDraft, summary: Summary): void {
  const { status, snapshot } = draft;
  const now = isoTime(snapshot.nowMs);
  const { generation } = snapshot.object.metadata;
  const shown = new Map((status.conditions ?? []).map((one) => [one.type, one]));
  const put = (type: string, verdict: Pick<Condition, "status" | "reason" | "message">): void => {
    const before = shown.get(type);
    shown.set(type, {
      type,
      status: verdict.status,
      reason: verdict.reason,
      message: verdict.message.slice(0, 32_768),
      lastTransitionTime: before?.status === verdict.status ? before.lastTransitionTime : now,
      ...(generation === undefined ? {} : { observedGeneration: Math.max(0, generation) }),
    });
  };
  for (const [type, verdict] of draft.verdicts) put(type, verdict);
  put("Ready", summarize(summary, shown));
  const isJudged = ({ type }: Condition) => draft.verdicts.has(type) || type === "Ready";
  const judged = [...shown.values()].filter(isJudged);
  const others = [...shown.values()].filter((one) => !isJudged(one));
  status.conditions = [...judged, ...others.slice(0, mostConditions - judged.length)].toSorted(
    byType,
  );
  stampDeprecated(draft, summary, now);
}

/** Any False makes it False, any that is missing makes it Unknown; the messages tell which. */
function summarize(
  { of, prefix }: Summary,
  shown: ReadonlyMap<string, Condition>,
): Pick<Condition, "status" | "reason" | "message"> {
  const all = of.map((type) => ({ type, verdict: shown.get(type) }));
  const tell = (list: typeof all) =>
    list
      .map(({ type, verdict }) =>
        verdict === undefined
          ? `* ${type}: Condition not yet reported`
          : `* ${type}: ${verdict.message === "" ? verdict.reason : verdict.message}`,
      )
      .join("\n");
  const bad = all.filter(({ verdict }) => verdict?.status === "False");
  if (bad.length > 0) return { status: "False", reason: `${prefix}NotReady`, message: tell(bad) };
  const unknown = all.filter(({ verdict }) => verdict?.status !== "True");
  if (unknown.length > 0) {
    return { status: "Unknown", reason: `${prefix}ReadyUnknown`, message: tell(unknown) };
  }
  return { status: "True", reason: `${prefix}Ready`, message: "" };
}

function stampDeprecated(draft: AnyDraft, { deprecatedOf }: Summary, now: string): void {
  const { status } = draft;
  const before = status.deprecated?.v1beta1;
  const shown = new Map((before?.conditions ?? []).map((one) => [one.type, one]));
  const put = (type: string, { severity, reason, message, ...verdict }: Deprecated): void => {
    const previous = shown.get(type);
    shown.set(type, {
      type,
      status: verdict.status,
      ...(severity === undefined ? {} : { severity }),
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
      lastTransitionTime: previous?.status === verdict.status ? previous.lastTransitionTime : now,
    });
  };
  for (const [type, verdict] of draft.deprecated) put(type, verdict);
  const judged = deprecatedOf.flatMap((type) => shown.get(type) ?? []);
  if (judged.length > 0) {
    put("Ready", judged.find((one) => one.status !== "True") ?? { status: "True" });
  }
  if (shown.size === 0) return;
  status.deprecated = { v1beta1: { ...before, conditions: [...shown.values()].toSorted(byType) } };
}

function byType(left: { type: string }, right: { type: string }): number {
  if (left.type === "Ready" || right.type === "Ready") return left.type === "Ready" ? -1 : 1;
  return left.type < right.type ? -1 : 1;
}

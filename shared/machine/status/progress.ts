// What a status shows of work under way: other messages, the same verdicts. Steps that follow each other within seconds are
// told together, as each version of a status is one more round of cluster-api, and of the API server.
import { canonicalJson } from "../../host/document/canonical-json.ts";

/** After a version of a status, before one with nothing but other messages. */
export const tellProgressMs = 10_000;

/** Steps that end by themselves: what was told before them may stand until then, if anything was. */
const passing = new Set(["AssociatingBareMetalHost", "WaitingForMetal3MachineOwnerRef"]);

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
}
interface Conditions {
  readonly conditions?: readonly Condition[];
}
export type ToldStatus = Conditions & { readonly deprecated?: { readonly v1beta1?: Conditions } };

/**
 * Whether nothing but messages differs: no condition is another, and no field that somebody could act on. After no
 * status at all, whether it tells of no more than a step that ends by itself.
 */
export function isProgress(last: ToldStatus | undefined, next: ToldStatus): boolean {
  if (last === undefined)
    return (next.conditions ?? []).some(({ reason = "" }) => passing.has(reason));
  return (
    fieldsOf(last) === fieldsOf(next) &&
    verdictsOf(last, next) === verdictsOf(next, next) &&
    verdictsOf(deprecatedOf(last), deprecatedOf(next)) ===
      verdictsOf(deprecatedOf(next), deprecatedOf(next))
  );
}

function deprecatedOf({ deprecated }: ToldStatus): Conditions {
  return deprecated?.v1beta1 ?? {};
}

/** Of user data only the name stands there: it is told with what it is written to. */
function fieldsOf(status: ToldStatus): string {
  return canonicalJson({
    ...status,
    userData: undefined,
    lastUpdated: undefined,
    conditions: undefined,
    deprecated: { ...deprecatedOf(status), conditions: undefined },
  });
}

function verdictsOf({ conditions = [] }: Conditions, next: Conditions): string {
  const passes = new Set(
    (next.conditions ?? []).flatMap(({ type, reason = "" }) => (passing.has(reason) ? [type] : [])),
  );
  return canonicalJson(
    conditions.map(({ type, status, reason }) => [type, status, passes.has(type) ? "" : reason]),
  );
}

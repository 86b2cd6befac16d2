// Applies the rule table to a BareMetalHost. Says what is wrong; who is told, and whether it is refused, is the
// caller's.
import type { BareMetalHost } from "./bare-metal-host.ts";
import type { HostRule, Violation } from "./validation/host-rule.ts";
import { hostRules } from "./validation/host-rules.table.ts";
import { updateRules } from "./validation/update-rules.table.ts";

/** Every rule that this host breaks and that admission refuses. */
export function findViolations(host: BareMetalHost): readonly Violation[] {
  return apply(host, "admission");
}

/** Every rule about changes that the step from one form to the other breaks. */
export function findUpdateViolations(
  after: BareMetalHost,
  before: BareMetalHost,
): readonly Violation[] {
  return updateRules.flatMap(({ id, field, check }) => violation(id, field, check(after, before)));
}

/** For a snapshot: what must be corrected before anything is started. Annotations do not count. */
export function validateBareMetalHost(host: BareMetalHost): string[] {
  return apply(host, "status").map(({ message }) => message);
}

function apply(host: BareMetalHost, where: Exclude<HostRule["where"], "both">): Violation[] {
  return hostRules
    .filter((rule) => rule.where === where || rule.where === "both")
    .flatMap(({ id, field, check }) => violation(id, field, check(host)));
}

function violation(rule: string, field: string, problem: string | undefined): Violation[] {
  return problem === undefined ? [] : [{ rule, field, message: `${field}: ${problem}` }];
}

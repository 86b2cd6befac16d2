// What a rule about a cluster-api provider kind is. A template obeys the rules of what is made from it, one level
// deeper: so a rule knows its place below the spec only.
import type { CelRule } from "../../metal3/validation/host-rule.ts";

export interface ProviderRule<Spec> {
  /** Stable; the behaviour's number stands in a comment. */
  readonly id: string;
  /** Below the spec; "" is the spec itself. */
  readonly field: string;
  /** What is wrong, with the value, and the way out; undefined: nothing. */
  readonly check: (spec: Spec, namespace: string) => string | undefined;
  /** The same as a CEL expression that must hold; SPEC stands for the spec, and the message begins below it. */
  readonly cel: CelRule & {
    /** An object without a spec breaks the rule. */
    readonly needsSpec?: true;
  };
}

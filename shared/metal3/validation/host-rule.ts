// What a rule about a BareMetalHost is. The table of rules serves admission (deny), decisions (start nothing)
// and the generated ValidatingAdmissionPolicy, so that all three say the same.
import type { BareMetalHost } from "../bare-metal-host.ts";

export interface HostRule {
  /** Stable; upstream's number of the rule stands in a comment. */
  readonly id: string;
  /** Path of the field, as in kubectl explain. */
  readonly field: string;
  /** What is wrong, with the value, and the way out; undefined: nothing. */
  readonly check: (host: BareMetalHost) => string | undefined;
  /** Refused by admission, shown in the status, or both. Annotations are commands: they do not stop work. */
  readonly where: "admission" | "status" | "both";
  /** The same as a CEL expression that must hold, where CEL can say it. */
  readonly cel?: CelRule;
}

export interface UpdateRule {
  readonly id: string;
  readonly field: string;
  readonly check: (after: BareMetalHost, before: BareMetalHost) => string | undefined;
  readonly cel?: CelRule;
}

export interface CelRule {
  readonly expression: string;
  readonly message: string;
  /** CEL of the value that the message quotes at its end; never one that may hold a secret. */
  readonly value?: string;
}

export interface Violation {
  readonly rule: string;
  readonly field: string;
  /** Begins with the field. */
  readonly message: string;
}

// All secret facts of a cluster in one text, for a hash: whoever has others, or lacks some, has another one. A database
// that went back in time, or an answer that was lost, shows by it when a session begins.
import type { SecretFact } from "./secret-fact.ts";

/** `digest` undefined: from a link that told none. */
export type FactName = Pick<SecretFact, "hostUid" | "purpose" | "digest">;

/** The same for the same facts in any order. */
export function factsText(facts: readonly FactName[]): string {
  const lines = facts.map(({ hostUid, purpose, digest = "" }) => `${hostUid} ${purpose} ${digest}`);
  return lines.toSorted().join("\n");
}

// Whether a merge patch (RFC 7386) would change a value: what is as wanted needs no request.
import { canonicalJson } from "../../../shared/host/document/canonical-json.ts";

export function wouldChange(value: unknown, patch: unknown): boolean {
  if (patch === undefined) return false;
  if (!isObject(patch)) return canonicalJson(value ?? null) !== canonicalJson(patch);
  // What is absent counts as empty: a patch that only removes keys has nothing to do there.
  const fields = isObject(value) ? value : {};
  return Object.entries(patch).some(([key, field]) => wouldChange(fields[key], field));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

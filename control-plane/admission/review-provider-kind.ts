// Admission of a cluster-api provider kind: its schema and its rules; they need nothing of the fleet. Objects being
// deleted are never refused; nor is what was there already before the change.
import type { ProviderKind } from "../../shared/capm3/validation/provider-kinds.table.ts";
import { allow, deny, type AdmissionAnswer, type AdmissionRequest } from "./admission-review.ts";
import { isBeingDeleted, withMetadata } from "./read-object.ts";

export function reviewProviderKind(
  request: AdmissionRequest,
  { judge }: ProviderKind,
): AdmissionAnswer {
  if (isBeingDeleted(request.object)) return allow(request.uid);
  const judged = judge(withMetadata(request.object, request));
  if (!judged.ok) return deny(request.uid, [judged.error.message]);
  const before =
    request.operation === "UPDATE" ? judge(withMetadata(request.oldObject, request)) : undefined;
  const known = new Set(before?.ok === true ? before.value.map(({ message }) => message) : []);
  const messages = judged.value.map(({ message }) => message);
  const problems = messages.filter((message) => !known.has(message));
  const warnings = messages.filter((message) => known.has(message));
  return problems.length > 0 ? deny(request.uid, problems, warnings) : allow(request.uid, warnings);
}

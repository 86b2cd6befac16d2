// The object of an AdmissionReview: metadata of one that is being created lacks uid and resourceVersion, and perhaps
// name and namespace.
import { isJson } from "../../shared/json.ts";
import type { AdmissionRequest } from "./admission-review.ts";

export function withMetadata(object: unknown, { name, namespace }: AdmissionRequest): unknown {
  if (!isJson(object) || !isJson(object["metadata"])) return object;
  const blank = { uid: "", resourceVersion: "", name: name ?? "", namespace: namespace ?? "" };
  return { ...object, metadata: { ...blank, ...object["metadata"] } };
}

export function isBeingDeleted(object: unknown): boolean {
  if (!isJson(object) || !isJson(object["metadata"])) return false;
  return typeof object["metadata"]["deletionTimestamp"] === "string";
}

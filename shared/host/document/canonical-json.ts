// One text for one value: object keys sorted, absent fields dropped. What is hashed and compared goes
// through here.
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "../../bytes.ts";
import { copyFields } from "../../copy-json.ts";

/** null counts as absent, as it does in Kubernetes objects. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? "null";
}

/** SHA-256 of the text's UTF-8, lower-case hex. */
export function sha256Hex(text: string): string {
  return toHex(sha256(new TextEncoder().encode(text)));
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object") return value;
  // Absent in an object; in a list JSON has no other word for it.
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(sorted);
  return copyFields(value, Object.keys(value).toSorted(), sorted);
}

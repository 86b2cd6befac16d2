// One text for one value: object keys sorted, absent fields dropped. What is hashed and compared goes
// through here.
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "../../bytes.ts";
import { copyFields } from "../../copy-json.ts";

/** null counts as absent, as it does in Kubernetes objects. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? "null";
}

/** Whether both have one text; for less than it costs to write two. */
export function isSameJson(left: unknown, right: unknown): boolean {
  const [a, b] = [left ?? undefined, right ?? undefined];
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, at) => isSameJson(item, b[at]));
  }
  return (
    Object.keys(a).every((key) => isSameJson(fieldOf(a, key), fieldOf(b, key))) &&
    Object.keys(b).every((key) => Object.hasOwn(a, key) || isSameJson(fieldOf(b, key), undefined))
  );
}

function fieldOf(object: object, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key as keyof typeof object] : undefined;
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

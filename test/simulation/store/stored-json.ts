// Values as a jsonb column gives them back: undefined fields gone, text that Postgres refuses replaced. What was
// stored is frozen, so that it can be handed out and stored again without a copy.
import { copyFields } from "../../../shared/copy-json.ts";
import { storable } from "../../../control-plane/store/json-text.ts";

/** Copies what is not stored already. */
export function storedJson<T>(value: T): T {
  return copyOf(value) as T;
}

function copyOf(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : null;
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  return Object.freeze(
    Array.isArray(value)
      ? value.map((item: unknown) => (item === undefined ? null : copyOf(item)))
      : copyFields(value, Object.keys(value), copyOf),
  );
}

export function storableText(text: string): string {
  return text.isWellFormed() && !text.includes("\0") ? text : storable(text);
}

/** Equality of jsonb: the order of fields does not count. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== "object" || typeof right !== "object") return false;
  if (left === null || right === null || Array.isArray(left) !== Array.isArray(right)) return false;
  const fields = Object.entries(left);
  const others = new Map<string, unknown>(Object.entries(right));
  if (fields.length !== others.size) return false;
  return fields.every(([name, field]) => others.has(name) && sameJson(field, others.get(name)));
}

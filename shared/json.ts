// JSON objects by path, without changing any: for what must hand on the rest of an object as it came.

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Without the fields that are undefined or null: a conversion unsets a field by giving it undefined. */
export function compact(object: Json): Json {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined && value !== null),
  );
}

/** As compact; undefined when no field is left. */
export function compactOrNone(object: Json): Json | undefined {
  const fields = compact(object);
  return Object.keys(fields).length === 0 ? undefined : fields;
}

export function valueAt(object: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return object;
  return isJson(object) ? valueAt(object[name], rest) : undefined;
}

/** Makes the objects on the way where they are missing. */
export function withValueAt(object: unknown, path: readonly string[], value: unknown): Json {
  const [name, ...rest] = path;
  const fields = isJson(object) ? object : {};
  if (name === undefined) return fields;
  return { ...fields, [name]: rest.length === 0 ? value : withValueAt(fields[name], rest, value) };
}

// Text that Postgres takes: it refuses U+0000 and lone surrogates, which Kubernetes and agents may send, and one
// such object must not stop a whole feed. They become U+FFFD.

export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === "string" ? storable(field) : field,
  );
}

export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

/** SQL null for undefined. */
export function jsonTextOrNull(value: unknown): string | null {
  return value === undefined ? null : jsonText(value);
}

// Expected failures as values. A bug throws; anything that the world can do to us is a Result.

export type Result<T, K extends string = string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Failure<K> };

/** `kind` is for code (retry tables), `message` for people: what happened and what to do next. */
export interface Failure<K extends string = string> {
  readonly kind: K;
  readonly message: string;
}

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function err<K extends string>(
  kind: K,
  message: string,
): { readonly ok: false; readonly error: Failure<K> } {
  return { ok: false, error: { kind, message } };
}

/** Quotes a value for an error message: at most 64 characters, control characters made visible. */
export function quote(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "undefined");
  const cut = text.length > 64 ? `${text.slice(0, 63)}…` : text;
  return JSON.stringify(cut);
}

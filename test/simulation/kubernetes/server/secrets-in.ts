// Which Secrets, with their content, are in what an API server gives away: one, a list of them, or none.
import { isObject } from "./frozen-json.ts";

export interface SecretPlace {
  readonly namespace: string;
  readonly name: string;
}

export function secretsIn(body: unknown): readonly SecretPlace[] {
  if (!isObject(body)) return [];
  const { kind, metadata, items } = body as {
    readonly kind?: unknown;
    readonly metadata?: { readonly name?: string; readonly namespace?: string };
    readonly items?: readonly unknown[];
  };
  if (Array.isArray(items)) {
    return items.flatMap((item) => secretsIn(isObject(item) ? { kind: "Secret", ...item } : item));
  }
  const { name, namespace } = metadata ?? {};
  const isSecret = kind === "Secret" && name !== undefined && namespace !== undefined;
  return isSecret ? [{ namespace, name }] : [];
}

// Reads objects of the store by the schema of their kind, and keeps what does not fit. Pure.
import { z } from "zod";
import type { ObjectKind } from "../../../shared/machine/flavour.ts";

export interface ObjectReader {
  /** Undefined: there is none, or it does not fit. */
  readonly read: <T>(kind: string, schema: z.ZodType<T>, object: unknown) => T | undefined;
  /** The fields that did not fit, not their values; empty: all is well. */
  readonly problems: () => string;
}

/** Items of a list may come without their kind. */
export function typed(kind: ObjectKind, object: unknown): unknown {
  return typeof object === "object" && object !== null ? { ...kind, ...object } : object;
}

const shown = 8;

export function makeObjectReader(): ObjectReader {
  const found: string[] = [];
  return {
    read(kind, schema, object) {
      if (object === undefined || object === null) return undefined;
      const parsed = schema.safeParse(object);
      if (parsed.success) return parsed.data;
      for (const { path, message } of parsed.error.issues) {
        found.push(`${kind} ${path.join(".")}: ${message}`);
      }
      return undefined;
    },
    problems: () => found.slice(0, shown).join("; "),
  };
}

// Puts descriptions into a generated schema, by path. A path that leads nowhere is a bug of the table.
import { descriptions } from "./descriptions.table.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The schema with a description first in each field that has one. */
export function describe(kind: string, schema: Schema): Schema {
  const unused = new Map(Object.entries(descriptions[kind] ?? {}));
  const described = visit(schema, "", unused);
  if (unused.size > 0) {
    throw new Error(`descriptions of ${kind} name no field: ${[...unused.keys()].join(", ")}`);
  }
  return described;
}

function visit(schema: Schema, path: string, texts: Map<string, string>): Schema {
  const text = texts.get(path);
  texts.delete(path);
  const { properties, items } = schema;
  return {
    ...(text === undefined ? {} : { description: text }),
    ...schema,
    ...(isSchema(items) ? { items: visit(items, path, texts) } : {}),
    ...(isSchema(properties) ? { properties: visitFields(properties, path, texts) } : {}),
  };
}

function visitFields(fields: Schema, path: string, texts: Map<string, string>): Schema {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      isSchema(field) ? visit(field, path === "" ? name : `${path}.${name}`, texts) : field,
    ]),
  );
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// What a CustomResourceDefinition's schema does to an object: fields that it does not know are pruned, defaults are
// filled in, and values of a wrong type or out of bounds are refused, in the words of a kube-apiserver. What needs no
// change is given back as it is, so that parts of frozen objects stay shared.

export interface Schema {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

export interface Admitted {
  readonly value: unknown;
  /** Empty: it is valid. */
  readonly problems: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

export function admit(schema: Schema, value: unknown, path: string): Admitted {
  const problems: string[] = [];
  const admitted = visit(schema, value, { path, problems });
  return { value: admitted, problems };
}

interface Visit {
  readonly path: string;
  readonly problems: string[];
}

function visit(schema: Schema, value: unknown, { path, problems }: Visit): unknown {
  if (value === null && schema.nullable === true) return value;
  const { type } = schema;
  if (type !== undefined && !isOfType(type, value)) {
    const given = JSON.stringify(value);
    problems.push(
      `${path}: Invalid value: ${given}: ${path} in body must be of type ${type}: ${given}`,
    );
    return value;
  }
  const problem = problemOf(schema, value);
  if (problem !== undefined) problems.push(`${path}: ${problem}`);
  if (Array.isArray(value)) return visitItems(schema, value, { path, problems });
  return typeof value === "object"
    ? visitFields(schema, value as Fields, { path, problems })
    : value;
}

function isOfType(type: NonNullable<Schema["type"]>, value: unknown): boolean {
  switch (type) {
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "number":
    case "string":
    case "boolean":
      return typeof value === type;
  }
}

function problemOf(schema: Schema, value: unknown): string | undefined {
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    const supported = schema.enum.map((each) => JSON.stringify(each)).join(", ");
    return `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`;
  }
  if (typeof value === "string") return textProblem(schema, value);
  if (typeof value === "number" && !isWithin(value, schema.minimum, schema.maximum)) {
    return `Invalid value: ${value}: ${bounds("must be", schema.minimum, schema.maximum)}`;
  }
  if (Array.isArray(value) && !isWithin(value.length, schema.minItems, schema.maxItems)) {
    return `Invalid value: ${value.length}: ${bounds("items must be", schema.minItems, schema.maxItems)}`;
  }
  return undefined;
}

function isWithin(value: number, from = -Infinity, to = Infinity): boolean {
  return value >= from && value <= to;
}

function bounds(what: string, from = -Infinity, to = Infinity): string {
  return `${what} from ${from} to ${to}`;
}

const patterns = new Map<string, RegExp>();

function textProblem(schema: Schema, value: string): string | undefined {
  const { minLength, maxLength, pattern } = schema;
  if (!isWithin(value.length, minLength, maxLength)) {
    return `Invalid value: "${value.slice(0, 64)}": ${bounds("characters must be", minLength, maxLength)}`;
  }
  if (pattern === undefined) return undefined;
  const known = patterns.get(pattern) ?? new RegExp(pattern);
  patterns.set(pattern, known);
  return known.test(value) ? undefined : `Invalid value: "${value}": should match '${pattern}'`;
}

function visitItems(schema: Schema, items: readonly unknown[], { path, problems }: Visit): unknown {
  const each = schema.items;
  if (each === undefined) return items;
  const visited = items.map((item, at) => visit(each, item, { path: `${path}[${at}]`, problems }));
  return visited.every((item, at) => item === items[at]) ? items : visited;
}

function visitFields(schema: Schema, fields: Fields, { path, problems }: Visit): Fields {
  const result: Record<string, unknown> = {};
  let isSame = true;
  for (const [name, value] of Object.entries(fields)) {
    const known = fieldOf(schema, name);
    if (known === undefined || isDefaulted(known, value)) isSame = false;
    else {
      result[name] = visit(known, value, { path: `${path}.${name}`, problems });
      isSame &&= result[name] === value;
    }
  }
  for (const [name, value] of defaultsOf(schema)) {
    if (name in result) continue;
    result[name] = value;
    isSame = false;
  }
  for (const name of schema.required ?? []) {
    if (!(name in result)) problems.push(`${path}.${name}: Required value`);
  }
  return isSame ? fields : result;
}

/** A null that may not be one is left out where a default follows. */
function isDefaulted(schema: Schema, value: unknown): boolean {
  return value === null && schema.nullable !== true && schema.default !== undefined;
}

const defaults = new WeakMap<Schema, readonly (readonly [string, unknown])[]>();

function defaultsOf(schema: Schema): readonly (readonly [string, unknown])[] {
  const known = defaults.get(schema);
  if (known !== undefined) return known;
  const found = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    field.default === undefined ? [] : [[name, field.default] as const],
  );
  defaults.set(schema, found);
  return found;
}

const anything: Schema = { "x-kubernetes-preserve-unknown-fields": true };

function fieldOf(schema: Schema, name: string): Schema | undefined {
  const { properties, additionalProperties } = schema;
  const known = properties?.[name];
  if (known !== undefined) return known;
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) return anything;
  return typeof additionalProperties === "object" ? additionalProperties : undefined;
}

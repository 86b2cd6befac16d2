// The structural facts of a CustomResourceDefinition, in the form of test/kubernetes/facts/*.json: prose left
// out, what the API server fills in made equal, sets in order. So a definition can be compared with upstream's.

type Json = Readonly<Record<string, unknown>>;

const prose = new Set(["description", "title", "example", "externalDocs", "$schema", "id"]);
const children = new Set(["properties", "items", "additionalProperties"]);
const sets = new Set([
  "enum",
  "required",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-validations",
]);

export function crdFacts(crd: Json): Json {
  const spec = record(crd["spec"]);
  const names = record(spec["names"]);
  const metadata = record(crd["metadata"]);
  const kind = String(names["kind"]);
  return {
    group: spec["group"],
    kind,
    listKind: names["listKind"] ?? `${kind}List`,
    plural: names["plural"],
    singular: names["singular"] ?? kind.toLowerCase(),
    shortNames: sorted(list(names["shortNames"])),
    categories: sorted(list(names["categories"])),
    scope: spec["scope"],
    labels: record(metadata["labels"]),
    annotations: {},
    conversion: conversionFacts(record(spec["conversion"])),
    preserveUnknownFields: spec["preserveUnknownFields"] ?? false,
    versions: Object.fromEntries(
      list(spec["versions"])
        .map(record)
        .map((version) => [String(version["name"]), versionFacts(version)]),
    ),
  };
}

/** Where the webhook runs is left out. */
function conversionFacts(conversion: Json): Json {
  const { conversionReviewVersions } = record(conversion["webhook"]);
  return {
    strategy: conversion["strategy"] ?? "None",
    ...(conversionReviewVersions === undefined ? {} : { conversionReviewVersions }),
  };
}

function versionFacts(version: Json): Json {
  const fields: Record<string, Json> = {};
  collect(record(record(version["schema"])["openAPIV3Schema"]), "", fields);
  return {
    served: version["served"],
    storage: version["storage"],
    deprecated: version["deprecated"] ?? false,
    subresources: record(version["subresources"]),
    additionalPrinterColumns: list(version["additionalPrinterColumns"]).map((column) =>
      Object.fromEntries(
        Object.entries(record(column)).filter(
          ([key, value]) => key !== "description" && !(key === "priority" && value === 0),
        ),
      ),
    ),
    fields,
  };
}

function collect(schema: Json, path: string, fields: Record<string, Json>): void {
  fields[path === "" ? "." : path] = Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !children.has(key) && !prose.has(key) && says(key, value))
      .map(([key, value]) => [key, sets.has(key) ? sorted(list(value)) : value]),
  );
  for (const [name, field] of Object.entries(record(schema["properties"]))) {
    collect(record(field), `${path}.${name}`, fields);
  }
  if (isRecord(schema["items"])) collect(schema["items"], `${path}[]`, fields);
  const { additionalProperties } = schema;
  if (isRecord(additionalProperties)) collect(additionalProperties, `${path}{}`, fields);
}

function says(key: string, value: unknown): boolean {
  const isEmpty = Array.isArray(value) && value.length === 0;
  return key === "default" || !(value === null || value === false || isEmpty);
}

function sorted(values: readonly unknown[]): unknown[] {
  const text = (value: unknown) => JSON.stringify(value);
  return values.toSorted((left, right) => (text(left) < text(right) ? -1 : 1));
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function record(value: unknown): Json {
  return isRecord(value) ? value : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

// The generated definitions equal upstream's in every structural fact: fields, columns, names, labels, versions.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { crdFacts } from "../../test/support/crd-facts.ts";
import { crdFileName, renderCrd } from "./custom-resource-definition.ts";
import { kinds } from "./kinds.table.ts";

const facts = ["metal3-crds.json", "capm3-crds.json"].map((file) => {
  const path = join(import.meta.dirname, "../../test/kubernetes/facts", file);
  return (JSON.parse(readFileSync(path, "utf8")) as { crds: Record<string, unknown> }).crds;
});
const upstream: Record<string, unknown> = Object.assign({}, ...facts);

describe("a generated definition", () => {
  it.each(kinds.map((kind) => [`${kind.plural}.${kind.group}`, kind] as const))(
    "%s equals upstream's in every fact [M01 M02 M03 M04]",
    (name, kind) => {
      const crd = parse(renderCrd(kind)) as Record<string, unknown>;
      expect(upstream[name], crdFileName(kind)).toBeDefined();
      expect(crdFacts(crd)).toEqual(upstream[name]);
    },
  );

  it("is there for every kind that facts are kept of", () => {
    expect(kinds.map((kind) => `${kind.plural}.${kind.group}`).toSorted()).toEqual(
      Object.keys(upstream).toSorted(),
    );
  });
});

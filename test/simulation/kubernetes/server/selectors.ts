// Which objects a list or a watch asks for: by namespace, label and name. Knows equality only.
import type { KubernetesObject } from "../../world/events.ts";
import type { Target } from "./resources.table.ts";

export type Selects = (object: KubernetesObject | undefined) => boolean;

const fieldNames = ["metadata.name", "metadata.namespace", "spec.nodeName"];

export function selectorOf({ namespace, query }: Target): Selects {
  const labels = pairsOf(query.get("labelSelector"));
  const fields = pairsOf(query.get("fieldSelector"));
  const unknown = fields.find(([field]) => !fieldNames.includes(field));
  if (unknown !== undefined) {
    throw new Error(`the simulated API server cannot select by ${unknown[0]}`);
  }
  return (object) => {
    if (object === undefined) return false;
    const { metadata } = object;
    return (
      (namespace === undefined || metadata.namespace === namespace) &&
      labels.every(([name, value]) => metadata.labels?.[name] === value) &&
      fields.every(([field, value]) => fieldOf(object, field) === value)
    );
  };
}

function fieldOf({ metadata, spec }: KubernetesObject, field: string): unknown {
  const [of = "", name = ""] = field.split(".");
  return (of === "spec" ? spec : metadata)?.[name];
}

function pairsOf(selector: string | null): readonly (readonly [string, string])[] {
  if (selector === null || selector === "") return [];
  return selector.split(",").map((pair) => {
    const [name = "", value, ...more] = pair.split(/==?/);
    if (value === undefined || more.length > 0 || name.endsWith("!")) {
      throw new Error(`the simulated API server cannot read the selector ${pair}`);
    }
    return [name, value] as const;
  });
}

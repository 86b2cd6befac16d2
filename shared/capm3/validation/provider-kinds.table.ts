// The provider kinds as admission sees them: which schema, where the spec is that the rules are about, which rules.
import type { z } from "zod";
import { issuesText } from "../../issues-text.ts";
import type { ObjectMeta } from "../../metal3/object-meta.ts";
import type { CelRule, Violation } from "../../metal3/validation/host-rule.ts";
import { err, ok, type Result } from "../../result.ts";
import { metal3ClusterTemplate } from "../v1beta2/metal3-cluster-template.ts";
import { metal3Cluster } from "../v1beta2/metal3-cluster.ts";
import { metal3MachineTemplate } from "../v1beta2/metal3-machine-template.ts";
import { metal3Machine } from "../v1beta2/metal3-machine.ts";
import { clusterRules, clusterTemplateRules } from "./cluster-rules.table.ts";
import { machineRules } from "./machine-rules.table.ts";
import type { ProviderRule } from "./provider-rule.ts";

export interface ProviderKind {
  readonly plural: string;
  /** Every rule that an object of the stored version breaks. "form": the object is not one of the kind. */
  readonly judge: (object: unknown) => Result<readonly Violation[], "form">;
  /** What CEL says of the same, of the whole object. */
  readonly cel: readonly CelRule[];
}

interface Parts<Kind, Spec> {
  readonly schema: z.ZodType<Kind>;
  /** Where the spec is, and the same in words. */
  readonly specOf: (object: Kind) => Spec;
  readonly path: string;
  readonly rules: readonly ProviderRule<Spec>[];
}

function providerKind<Kind extends { readonly metadata: ObjectMeta }, Spec>(
  plural: string,
  { schema, specOf, path, rules }: Parts<Kind, Spec>,
): ProviderKind {
  return {
    plural,
    judge(object) {
      const parsed = schema.safeParse(object);
      if (!parsed.success) return err("form", issuesText(parsed.error));
      const spec = specOf(parsed.data);
      const { namespace } = parsed.data.metadata;
      return ok(
        rules.flatMap(({ id, field, check }) => {
          const problem = check(spec, namespace);
          const whole = `${path}.${field}`;
          const found = { rule: id, field: whole, message: `${whole}: ${problem}` };
          return problem === undefined ? [] : [found];
        }),
      );
    },
    cel: rules.map(({ cel }) => inPlace(cel, path)),
  };
}

/** Every part of a spec's path but `spec` itself is required. */
function inPlace({ needsSpec, ...cel }: ProviderRule<unknown>["cel"], path: string): CelRule {
  const place = (text: string) => text.replaceAll(/\bSPEC\b/g, `object.${path}`);
  const guard = needsSpec === true ? "has(object.spec) &&" : "!has(object.spec) ||";
  return {
    expression: `${guard} (${place(cel.expression)})`,
    message: `${path}.${cel.message}`,
    ...(cel.value === undefined ? {} : { value: place(cel.value) }),
  };
}

export const providerKinds: readonly ProviderKind[] = [
  providerKind("metal3clusters", {
    schema: metal3Cluster,
    specOf: ({ spec }) => spec,
    path: "spec",
    rules: clusterRules,
  }),
  providerKind("metal3clustertemplates", {
    schema: metal3ClusterTemplate,
    specOf: ({ spec }) => spec.template.spec,
    path: "spec.template.spec",
    rules: clusterTemplateRules,
  }),
  providerKind("metal3machines", {
    schema: metal3Machine,
    specOf: ({ spec }) => spec,
    path: "spec",
    rules: machineRules,
  }),
  providerKind("metal3machinetemplates", {
    schema: metal3MachineTemplate,
    specOf: ({ spec }) => spec.template.spec,
    path: "spec.template.spec",
    rules: machineRules,
  }),
];

// Every generated file by its path under infra/, with the text that it must have.
import { renderAdmissionPolicy } from "../manifests/admission-policy.ts";
import { crdFileName, renderCrd } from "./custom-resource-definition.ts";
import { allKinds } from "./kinds.table.ts";

export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...allKinds.map((kind) => [`crds/${crdFileName(kind)}`, renderCrd(kind)] as const),
    ["manifests/validating-admission-policy.yaml", renderAdmissionPolicy()],
  ]);
}

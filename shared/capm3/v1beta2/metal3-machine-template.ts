// Metal3MachineTemplate of infrastructure.cluster.x-k8s.io/v1beta2: what a MachineSet makes Metal3Machines from.
import { z } from "zod";
import { objectMeta } from "../../metal3/object-meta.ts";
import { infrastructureGroup } from "../provider.ts";
import { metal3MachineSpec } from "./metal3-machine.ts";
import { templateMetadata } from "./template-metadata.ts";

/** Annotations of an object that cluster-api made from a template, and what its kind is called there. */
export const clonedFromName = "cluster.x-k8s.io/cloned-from-name";
export const clonedFromKind = "cluster.x-k8s.io/cloned-from-groupkind";
export const templateKind = `Metal3MachineTemplate.${infrastructureGroup}`;

export const metal3MachineTemplateSpec = z.object({
  nodeReuse: z.boolean().default(false),
  template: z.object({ metadata: templateMetadata.optional(), spec: metal3MachineSpec }),
});

export const metal3MachineTemplate = z.object({
  apiVersion: z.literal("infrastructure.cluster.x-k8s.io/v1beta2"),
  kind: z.literal("Metal3MachineTemplate"),
  metadata: objectMeta,
  spec: metal3MachineTemplateSpec,
});
export type Metal3MachineTemplate = z.infer<typeof metal3MachineTemplate>;

// Metal3MachineTemplate of infrastructure.cluster.x-k8s.io/v1beta2: what a MachineSet makes Metal3Machines from.
import { z } from "zod";
import { objectMeta } from "../../metal3/object-meta.ts";
import { metal3MachineSpec } from "./metal3-machine.ts";
import { templateMetadata } from "./template-metadata.ts";

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

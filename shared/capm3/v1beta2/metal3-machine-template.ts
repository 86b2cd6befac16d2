// Metal3MachineTemplate of infrastructure.cluster.x-k8s.io/v1beta2: what a MachineSet makes Metal3Machines from.
import { z } from "zod";
import { metal3MachineSpec } from "./metal3-machine.ts";
import { templateMetadata } from "./template-metadata.ts";

export const metal3MachineTemplateSpec = z.object({
  nodeReuse: z.boolean().default(false),
  template: z.object({ metadata: templateMetadata.optional(), spec: metal3MachineSpec }),
});

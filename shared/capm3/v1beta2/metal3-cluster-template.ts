// Metal3ClusterTemplate of infrastructure.cluster.x-k8s.io/v1beta2: what a ClusterClass makes Metal3Clusters from.
import { z } from "zod";
import { metal3ClusterSpec } from "./metal3-cluster.ts";
import { templateMetadata } from "./template-metadata.ts";

export const metal3ClusterTemplateSpec = z.object({
  template: z.object({ metadata: templateMetadata.optional(), spec: metal3ClusterSpec }),
});

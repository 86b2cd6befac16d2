// Metal3ClusterTemplate of infrastructure.cluster.x-k8s.io/v1beta2: what a ClusterClass makes Metal3Clusters from.
import { z } from "zod";
import { objectMeta } from "../../metal3/object-meta.ts";
import { metal3ClusterSpec } from "./metal3-cluster.ts";
import { templateMetadata } from "./template-metadata.ts";

export const metal3ClusterTemplateSpec = z.object({
  template: z.object({ metadata: templateMetadata.optional(), spec: metal3ClusterSpec }),
});

export const metal3ClusterTemplate = z.object({
  apiVersion: z.literal("infrastructure.cluster.x-k8s.io/v1beta2"),
  kind: z.literal("Metal3ClusterTemplate"),
  metadata: objectMeta,
  spec: metal3ClusterTemplateSpec,
});

// Metal3Cluster of infrastructure.cluster.x-k8s.io/v1beta2: the schema is the type, the CRD and the first
// admission rule. A parsed object lacks unknown fields: read it, never write it back.
import { z } from "zod";
import { objectMeta } from "../../metal3/object-meta.ts";
import { int32 } from "../../metal3/schema.ts";
import { failureDomains } from "./failure-domains.ts";
import { statusFields } from "./status.ts";

export const metal3ClusterSpec = z.object({
  cloudProviderEnabled: z.boolean().optional(),
  controlPlaneEndpoint: z
    .object({
      host: z.string().min(1).max(512).optional(),
      port: int32().min(1).max(65_535).optional(),
    })
    .meta({ minProperties: 1 })
    .optional(),
  failureDomains: failureDomains.optional(),
});

export const metal3ClusterStatus = z.object({
  ...statusFields(z.string().min(0).max(1024)),
  failureDomains: failureDomains.optional(),
});

export const metal3Cluster = z.object({
  apiVersion: z.literal("infrastructure.cluster.x-k8s.io/v1beta2"),
  kind: z.literal("Metal3Cluster"),
  metadata: objectMeta,
  spec: metal3ClusterSpec.default({}),
  status: metal3ClusterStatus.optional(),
});

export type Metal3ClusterSpec = z.infer<typeof metal3ClusterSpec>;
export type Metal3ClusterStatus = z.infer<typeof metal3ClusterStatus>;
export type Metal3Cluster = z.infer<typeof metal3Cluster>;

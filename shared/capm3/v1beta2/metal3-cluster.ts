// Metal3Cluster of infrastructure.cluster.x-k8s.io/v1beta2: the schema is the type, the CRD and the first
// admission rule. A parsed object lacks unknown fields: read it, never write it back.
import { z } from "zod";
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

// Metal3Cluster and Metal3ClusterTemplate as v1beta1 spells them: served for older clients, never stored.
import { z } from "zod";
import { statusFields } from "./status.ts";

const failureDomains = z.record(
  z.string(),
  z.object({
    attributes: z.record(z.string(), z.string()).optional(),
    controlPlane: z.boolean().optional(),
  }),
);

export const metal3ClusterSpec = z.object({
  cloudProviderEnabled: z.boolean().optional(),
  controlPlaneEndpoint: z.object({ host: z.string(), port: z.int() }).optional(),
  failureDomains: failureDomains.optional(),
  /** The opposite of cloudProviderEnabled. */
  noCloudProvider: z.boolean().optional(),
});

export const metal3ClusterStatus = z.object({
  ...statusFields,
  failureDomains: failureDomains.optional(),
});

export const metal3ClusterTemplateSpec = z.object({
  template: z.object({ spec: metal3ClusterSpec }),
});

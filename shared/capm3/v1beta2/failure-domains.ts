// The failure domains of a Metal3Cluster: named, one of each name.
import { z } from "zod";

export const failureDomains = z
  .array(
    z.object({
      name: z.string().min(1).max(256),
      controlPlane: z.boolean().optional(),
      attributes: z.record(z.string(), z.string()).optional(),
    }),
  )
  .min(1)
  .max(100)
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] });

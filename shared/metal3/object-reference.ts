// A reference to any object, as Kubernetes' older kinds spell it.
import { z } from "zod";

export const objectReference = z
  .object({
    apiVersion: z.string().optional(),
    fieldPath: z.string().optional(),
    kind: z.string().optional(),
    name: z.string().optional(),
    namespace: z.string().optional(),
    resourceVersion: z.string().optional(),
    uid: z.string().optional(),
  })
  .meta({ "x-kubernetes-map-type": "atomic" });

// A reference to a Secret as Kubernetes spells it; without a namespace it is the object's own.
import { z } from "zod";

export const secretReference = z
  .object({ name: z.string().optional(), namespace: z.string().optional() })
  .meta({ "x-kubernetes-map-type": "atomic" });

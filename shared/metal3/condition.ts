// A condition as Kubernetes spells it (metav1.Condition), the same in every kind.
import { z } from "zod";
import { dateTime, int64 } from "./schema.ts";

export const condition = z.object({
  type: z
    .string()
    .regex(
      /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/,
    )
    .max(316),
  status: z.enum(["True", "False", "Unknown"]),
  reason: z
    .string()
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
    .min(1)
    .max(1024),
  message: z.string().max(32768),
  lastTransitionTime: dateTime(),
  observedGeneration: int64().min(0).optional(),
});

/** One of each type. */
export const conditions = z
  .array(condition)
  .max(32)
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] });

export type Condition = z.infer<typeof condition>;

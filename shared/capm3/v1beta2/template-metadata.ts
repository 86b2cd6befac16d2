// The labels and annotations that a template gives to what is made from it.
import { z } from "zod";

export const templateMetadata = z
  .object({
    annotations: z.record(z.string(), z.string()).optional(),
    labels: z.record(z.string(), z.string()).optional(),
  })
  .meta({ minProperties: 1 });

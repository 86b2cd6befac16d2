// A condition of cluster-api's v1beta1, which v1beta2 keeps under status.deprecated.
import { z } from "zod";
import { dateTime } from "../../metal3/schema.ts";

const deprecatedCondition = z.object({
  type: z.string().min(1).max(256),
  status: z.string(),
  severity: z.string().max(32).optional(),
  reason: z.string().min(1).max(256).optional(),
  message: z.string().min(1).max(10_240).optional(),
  lastTransitionTime: dateTime(),
});

export const deprecatedConditions = z.array(deprecatedCondition);

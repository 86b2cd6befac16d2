// What the statuses of Metal3Cluster and Metal3Machine share in v1beta2.
import { z } from "zod";
import { conditions } from "../../metal3/condition.ts";
import { dateTime } from "../../metal3/schema.ts";
import { deprecatedConditions } from "../v1beta1/condition.ts";

/** `failureMessage` has its bounds from the kind. */
export function statusFields(failureMessage: z.ZodType<string>) {
  return {
    conditions: conditions.optional(),
    initialization: z
      .object({ provisioned: z.boolean().optional() })
      .meta({ minProperties: 1 })
      .optional(),
    lastUpdated: dateTime().optional(),
    deprecated: z
      .object({
        v1beta1: z
          .object({
            conditions: deprecatedConditions.optional(),
            failureMessage: failureMessage.optional(),
            failureReason: z.string().optional(),
          })
          .optional(),
      })
      .optional(),
  };
}

// What the statuses of Metal3Cluster and Metal3Machine share in v1beta1.
import { z } from "zod";
import { conditions } from "../../metal3/condition.ts";
import { dateTime } from "../../metal3/schema.ts";
import { deprecatedConditions } from "./condition.ts";

export const statusFields = {
  conditions: deprecatedConditions.optional(),
  failureMessage: z.string().optional(),
  failureReason: z.string().optional(),
  lastUpdated: dateTime().optional(),
  ready: z.boolean().optional(),
  /** The conditions of the newer version. */
  v1beta2: z.object({ conditions: conditions.optional() }).optional(),
};

// HardwareData of metal3.io/v1alpha1: what inspection found, beside the host of the same name.
import { z } from "zod";
import { hardwareDetails } from "./hardware-details.ts";
import { objectMeta } from "./object-meta.ts";

export const hardwareDataSpec = z.object({ hardware: hardwareDetails.optional() });

export const hardwareData = z.object({
  apiVersion: z.literal("metal3.io/v1alpha1"),
  kind: z.literal("HardwareData"),
  metadata: objectMeta,
  spec: hardwareDataSpec.optional(),
});
export type HardwareData = z.infer<typeof hardwareData>;

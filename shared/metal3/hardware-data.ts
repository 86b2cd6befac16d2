// HardwareData of metal3.io/v1alpha1: what inspection found, beside the host of the same name.
import { z } from "zod";
import { hardwareDetails } from "./hardware-details.ts";

export const hardwareDataSpec = z.object({ hardware: hardwareDetails.optional() });

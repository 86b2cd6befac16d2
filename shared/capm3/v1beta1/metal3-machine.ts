// Metal3Machine and Metal3MachineTemplate as v1beta1 spells them: served for older clients, never stored.
import { z } from "zod";
import { objectReference } from "../../metal3/object-reference.ts";
import { secretReference } from "../../metal3/secret-reference.ts";
import { machineAddress } from "../machine-address.ts";
import { statusFields } from "./status.ts";

export const metal3MachineSpec = z.object({
  automatedCleaningMode: z.enum(["metadata", "disabled"]).optional(),
  customDeploy: z.object({ method: z.string() }).optional(),
  dataTemplate: objectReference.optional(),
  failureDomain: z.string().optional(),
  hostSelector: z
    .object({
      matchExpressions: z
        .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()) }))
        .optional(),
      matchLabels: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  image: z
    .object({
      url: z.string(),
      checksum: z.string().optional(),
      checksumType: z.enum(["md5", "sha256", "sha512"]).optional(),
      /** diskFormat in v1beta2. */
      format: z.enum(["raw", "qcow2", "vdi", "vmdk", "live-iso"]).optional(),
    })
    .optional(),
  metaData: secretReference.optional(),
  networkData: secretReference.optional(),
  providerID: z.string().optional(),
  userData: secretReference.optional(),
});

export const metal3MachineStatus = z.object({
  ...statusFields,
  addresses: z.array(machineAddress).optional(),
  metaData: secretReference.optional(),
  networkData: secretReference.optional(),
  phase: z.string().optional(),
  renderedData: objectReference.optional(),
  userData: secretReference.optional(),
});

export const metal3MachineTemplateSpec = z.object({
  nodeReuse: z.boolean().default(false),
  template: z.object({ spec: metal3MachineSpec }),
});

// BareMetalHost of metal3.io/v1alpha1: the schema is the type, the CRD and the first admission rule.
// Field names are upstream's, verbatim. A parsed object lacks unknown fields: read it, never write it back.
import { z } from "zod";
import { conditions } from "./condition.ts";
import { hardwareDetails } from "./hardware-details.ts";
import { objectMeta } from "./object-meta.ts";
import { objectReference } from "./object-reference.ts";
import { dateTime } from "./schema.ts";
import { secretReference } from "./secret-reference.ts";

const macPattern = /[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}/;
const wholeMacPattern = /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/;
/** Required although it has a default: a meta key of our own, for the CRD. */
const required = { "x-required": true } as const;

export const bootMode = z.enum(["UEFI", "UEFISecureBoot", "legacy"]);

export const image = z.object({
  url: z.string(),
  checksum: z.string().optional(),
  checksumType: z.enum(["md5", "sha256", "sha512", "auto"]).optional(),
  format: z.enum(["raw", "qcow2", "vdi", "vmdk", "live-iso"]).optional(),
  ociAuthSecretName: z.string().optional(),
});

export const rootDeviceHints = z.object({
  deviceName: z.string().optional(),
  hctl: z.string().optional(),
  model: z.string().optional(),
  vendor: z.string().optional(),
  serialNumber: z.string().optional(),
  minSizeGigabytes: z.int().min(0).optional(),
  wwn: z.string().optional(),
  wwnWithExtension: z.string().optional(),
  wwnVendorExtension: z.string().optional(),
  rotational: z.boolean().optional(),
});

const customDeploy = z.object({ method: z.string() });

const trueOrFalse = z.boolean().meta({ enum: [true, false] });
const firmware = z.object({
  simultaneousMultithreadingEnabled: trueOrFalse.optional(),
  sriovEnabled: trueOrFalse.optional(),
  virtualizationEnabled: trueOrFalse.optional(),
});

const raid = z.object({
  hardwareRAIDVolumes: z
    .array(
      z.object({
        controller: z.string().optional(),
        level: z.enum(["0", "1", "2", "5", "6", "1+0", "5+0", "6+0"]),
        name: z.string().max(64).optional(),
        numberOfPhysicalDisks: z.int().min(1).optional(),
        physicalDisks: z.array(z.string()).optional(),
        rotational: z.boolean().optional(),
        sizeGibibytes: z.int().min(0).optional(),
      }),
    )
    .nullable()
    .optional(),
  softwareRAIDVolumes: z
    .array(
      z.object({
        level: z.enum(["0", "1", "1+0"]),
        physicalDisks: z.array(rootDeviceHints).min(2).optional(),
        rootVolume: z.boolean().default(false),
        sizeGibibytes: z.int().min(0).optional(),
      }),
    )
    .max(2)
    .nullable()
    .optional(),
});

const networkInterface = z.object({
  hostNetworkAttachment: z
    .object({ name: z.string().max(253).optional(), namespace: z.string().max(63).optional() })
    .optional(),
  macAddress: z.string().regex(wholeMacPattern).optional(),
  name: z
    .string()
    .regex(/^[a-zA-Z0-9._-]+$/)
    .optional(),
  switchPort: z
    .object({ portID: z.string(), switchID: z.string().regex(wholeMacPattern) })
    .optional(),
});

const taint = z.object({
  effect: z.string(),
  key: z.string(),
  timeAdded: dateTime().optional(),
  value: z.string().optional(),
});

export const bareMetalHostSpec = z.object({
  architecture: z.string().optional(),
  automatedCleaningMode: z.enum(["metadata", "disabled"]).default("metadata"),
  bmc: z
    .object({
      address: z.string(),
      credentialsName: z.string(),
      disableCertificateVerification: z.boolean().optional(),
    })
    .optional(),
  bootMACAddress: z.string().regex(macPattern).optional(),
  bootMode: bootMode.optional(),
  consumerRef: objectReference.optional(),
  customDeploy: customDeploy.optional(),
  description: z.string().optional(),
  disablePowerOff: z.boolean().optional(),
  externallyProvisioned: z.boolean().optional(),
  firmware: firmware.optional(),
  hardwareProfile: z.string().optional(),
  image: image.optional(),
  inspectionMode: z.enum(["disabled", "agent", "fast"]).optional(),
  metaData: secretReference.optional(),
  networkData: secretReference.optional(),
  networkInterfaces: z.array(networkInterface).optional(),
  online: z.boolean(),
  preprovisioningNetworkDataName: z.string().optional(),
  raid: raid.optional(),
  rootDeviceHints: rootDeviceHints.optional(),
  taints: z.array(taint).optional(),
  userData: secretReference.optional(),
});

const credentialsStatus = z.object({
  credentials: secretReference.optional(),
  credentialsVersion: z.string().optional(),
});

const operationMetric = z.object({
  start: dateTime().nullable().optional(),
  end: dateTime().nullable().optional(),
});

const errorType = z.enum([
  "provisioned registration error",
  "registration error",
  "inspection error",
  "preparation error",
  "provisioning error",
  "power management error",
  "servicing error",
]);

export const bareMetalHostStatus = z.object({
  conditions: conditions.optional(),
  errorCount: z.int().default(0).meta(required),
  errorMessage: z.string(),
  errorType: errorType.optional(),
  goodCredentials: credentialsStatus.optional(),
  hardware: hardwareDetails.optional(),
  hardwareProfile: z.string().optional(),
  lastAttemptedImage: image.optional(),
  lastUpdated: dateTime().optional(),
  operationHistory: z
    .object({
      register: operationMetric.optional(),
      inspect: operationMetric.optional(),
      provision: operationMetric.optional(),
      deprovision: operationMetric.optional(),
    })
    .optional(),
  operationalStatus: z.enum(["", "OK", "discovered", "error", "delayed", "detached", "servicing"]),
  poweredOn: z.boolean(),
  provisioning: z.object({
    state: z.string(),
    ID: z.string(),
    bootMode: bootMode.optional(),
    customDeploy: customDeploy.optional(),
    firmware: firmware.optional(),
    image: image.optional(),
    raid: raid.optional(),
    rootDeviceHints: rootDeviceHints.optional(),
  }),
  provisioningFailCount: z.int().default(0).meta(required),
  triedCredentials: credentialsStatus.optional(),
});

export const bareMetalHost = z.object({
  apiVersion: z.literal("metal3.io/v1alpha1"),
  kind: z.literal("BareMetalHost"),
  metadata: objectMeta,
  spec: bareMetalHostSpec,
  status: bareMetalHostStatus.optional(),
});

export type BareMetalHost = z.infer<typeof bareMetalHost>;
export type BareMetalHostSpec = z.infer<typeof bareMetalHostSpec>;
export type BareMetalHostStatus = z.infer<typeof bareMetalHostStatus>;
export type BootMode = z.infer<typeof bootMode>;
export type ErrorType = z.infer<typeof errorType>;
export type Image = z.infer<typeof image>;
export type RootDeviceHints = z.infer<typeof rootDeviceHints>;

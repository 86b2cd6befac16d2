// Metal3Machine of infrastructure.cluster.x-k8s.io/v1beta2: what a Machine wants of the host that it gets.
import { z } from "zod";
import { objectMeta } from "../../metal3/object-meta.ts";
import { secretReference } from "../../metal3/secret-reference.ts";
import { machineAddress } from "../machine-address.ts";
import { statusFields } from "./status.ts";

const bounded = (most: number) => z.string().min(1).max(most);
const atomic = { "x-kubernetes-map-type": "atomic" } as const;

const dataReference = z
  .object({ name: bounded(253).optional(), namespace: bounded(253).optional() })
  .meta(atomic);

const hostSelector = z.object({
  matchExpressions: z
    .array(
      z.object({
        key: bounded(512),
        operator: z.string(),
        values: z.array(bounded(512)).max(512).meta({ "x-kubernetes-list-type": "set" }),
      }),
    )
    .min(1)
    .max(512)
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"] })
    .optional(),
  matchLabels: z.record(z.string(), z.string()).optional(),
});

const machineImage = z.object({
  url: bounded(512).meta({ format: "uri" }),
  checksum: z.string().min(0).max(512).optional(),
  checksumType: z.enum(["md5", "sha256", "sha512"]).optional(),
  diskFormat: z.enum(["raw", "qcow2", "vdi", "vmdk", "live-iso"]).optional(),
});

export const metal3MachineSpec = z.object({
  automatedCleaningMode: z.enum(["metadata", "disabled"]).optional(),
  customDeploy: z.object({ method: bounded(512) }).optional(),
  dataTemplate: dataReference.optional(),
  failureDomain: bounded(256).optional(),
  hostSelector: hostSelector.optional(),
  image: machineImage.optional(),
  metaData: secretReference.optional(),
  networkData: secretReference.optional(),
  providerID: bounded(512).optional(),
  userData: secretReference.optional(),
});

export const metal3MachineStatus = z.object({
  ...statusFields(z.string()),
  addresses: z
    .array(machineAddress)
    .min(1)
    .max(32)
    .meta({ "x-kubernetes-list-type": "atomic" })
    .optional(),
  metaData: secretReference.optional(),
  networkData: secretReference.optional(),
  renderedData: dataReference.optional(),
  userData: secretReference.optional(),
});

export const metal3Machine = z.object({
  apiVersion: z.literal("infrastructure.cluster.x-k8s.io/v1beta2"),
  kind: z.literal("Metal3Machine"),
  metadata: objectMeta,
  spec: metal3MachineSpec.default({}),
  status: metal3MachineStatus.optional(),
});

export type MachineImage = z.infer<typeof machineImage>;
export type Metal3MachineSpec = z.infer<typeof metal3MachineSpec>;
export type Metal3MachineStatus = z.infer<typeof metal3MachineStatus>;
export type Metal3Machine = z.infer<typeof metal3Machine>;

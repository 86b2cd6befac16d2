// MachineSet of machine.openshift.io/v1beta1, as the machine-api-operator has it.
import { z } from "zod";
import { int32, int64 } from "../metal3/schema.ts";
import { objectMeta } from "../metal3/object-meta.ts";
import { openShiftVersion } from "../machine/openshift-group.ts";
import { machineSpec, templateMetadata } from "./machine.ts";

const selector = z.object({
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        operator: z.string(),
        values: z.array(z.string()).meta({ "x-kubernetes-list-type": "atomic" }).optional(),
      }),
    )
    .meta({ "x-kubernetes-list-type": "atomic" })
    .optional(),
  matchLabels: z.record(z.string(), z.string()).optional(),
});

export const machineSetSpec = z.object({
  authoritativeAPI: z.enum(["MachineAPI", "ClusterAPI"]).optional(),
  deletePolicy: z.enum(["Random", "Newest", "Oldest"]).optional(),
  minReadySeconds: int32().optional(),
  replicas: int32().default(1),
  selector: selector.meta({ "x-kubernetes-map-type": "atomic" }),
  template: z
    .object({ metadata: templateMetadata.optional(), spec: machineSpec.optional() })
    .default({}),
});

export const machineSetStatus = z.object({
  availableReplicas: int32().optional(),
  errorMessage: z.string().optional(),
  errorReason: z.string().optional(),
  fullyLabeledReplicas: int32().optional(),
  labelSelector: z.string().optional(),
  observedGeneration: int64().optional(),
  readyReplicas: int32().optional(),
  replicas: int32().optional(),
});
export type OpenShiftMachineSetStatus = z.infer<typeof machineSetStatus>;

export const openShiftMachineSet = z.object({
  apiVersion: z.literal(openShiftVersion),
  kind: z.literal("MachineSet"),
  metadata: objectMeta,
  spec: machineSetSpec,
  status: machineSetStatus.optional(),
});
export type OpenShiftMachineSet = z.infer<typeof openShiftMachineSet>;

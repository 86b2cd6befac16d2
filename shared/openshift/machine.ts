// Machine of machine.openshift.io/v1beta1, as the machine-api-operator has it.
import { z } from "zod";
import { machineAddress } from "../capm3/machine-address.ts";
import { dateTime } from "../metal3/schema.ts";
import { objectMeta } from "../metal3/object-meta.ts";
import { openShiftVersion } from "../machine/openshift-group.ts";

const strings = z.record(z.string(), z.string());
const openFields = { "x-kubernetes-preserve-unknown-fields": true } as const;
/** Any fields. */
const open = () => z.unknown().meta({ type: "object", ...openFields });

/** Of a Machine that a MachineSet makes, or of a Node. */
export const templateMetadata = z.object({
  name: z.string().optional(),
  generateName: z.string().optional(),
  namespace: z.string().optional(),
  labels: strings.optional(),
  annotations: strings.optional(),
});

const hooks = z
  .array(z.object({ name: z.string().min(3).max(256), owner: z.string().min(3).max(512) }))
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] });

export const machineSpec = z.object({
  authoritativeAPI: z.enum(["MachineAPI", "ClusterAPI"]).optional(),
  lifecycleHooks: z
    .object({ preDrain: hooks.optional(), preTerminate: hooks.optional() })
    .optional(),
  metadata: templateMetadata.optional(),
  providerID: z.string().optional(),
  providerSpec: z.object({ value: open().optional() }).optional(),
  taints: z
    .array(
      z.object({
        effect: z.string(),
        key: z.string(),
        timeAdded: dateTime().optional(),
        value: z.string().optional(),
      }),
    )
    .meta({ "x-kubernetes-list-type": "atomic" })
    .optional(),
});

/** Not metav1's: it has a severity. */
export const machineCondition = z.object({
  lastTransitionTime: dateTime(),
  message: z.string().optional(),
  reason: z.string().optional(),
  severity: z.string().optional(),
  status: z.string(),
  type: z.string(),
});
export type MachineCondition = z.infer<typeof machineCondition>;

export const machineStatus = z.object({
  addresses: z.array(machineAddress).meta({ "x-kubernetes-list-type": "atomic" }).optional(),
  conditions: z
    .array(machineCondition)
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] })
    .optional(),
  errorMessage: z.string().optional(),
  errorReason: z.string().optional(),
  lastOperation: open().optional(),
  lastUpdated: dateTime().optional(),
  nodeRef: z
    .object({
      kind: z.string().optional(),
      name: z.string().optional(),
      uid: z.string().optional(),
    })
    .meta({ ...openFields, "x-kubernetes-map-type": "atomic" })
    .optional(),
  phase: z.string().optional(),
  providerStatus: open().optional(),
});
export type OpenShiftMachineStatus = z.infer<typeof machineStatus>;

export const openShiftMachine = z.object({
  apiVersion: z.literal(openShiftVersion),
  kind: z.literal("Machine"),
  metadata: objectMeta,
  spec: machineSpec.default({}),
  status: machineStatus.optional(),
});
export type OpenShiftMachine = z.infer<typeof openShiftMachine>;

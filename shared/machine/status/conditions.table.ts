// The conditions of a Metal3Machine whose v1beta1 form has other names: type and reasons by what v1beta2 calls them,
// as upstream spells them. A reason that is not here keeps its name.
import type { DeprecatedVerdict } from "../draft.ts";

export const associated = "AssociateBareMetalHost";
export const metaDataAssociated = "AssociateMetal3MachineMetaData";
export const dataReady = "Metal3DataReady";
export const infrastructureReady = "BaremetalInfrastructureReady";
/** Ours: how far the link to the Node is; v1beta2 has none for it. */
export const nodeCondition = "farrier.dev/Node";

/** Of v1beta1 only. */
export const nodeReady = "KubernetesNodeReady";

export const deprecatedTypes: ReadonlyMap<string, string> = new Map([
  [associated, "AssociateBMH"],
  [dataReady, "Metal3DataReady"],
  [infrastructureReady, "BaremetalInfrastructureReady"],
]);

type Reason = Pick<DeprecatedVerdict, "severity" | "reason">;

export const deprecatedReasons: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ["WaitingForMetal3MachineOwnerRef", { reason: "WaitingForM3MachineOwnerRef", severity: "Info" }],
  [
    "WaitingForClusterInfrastructureReady",
    { reason: "WaitingForClusterInfrastructure", severity: "Info" },
  ],
  ["WaitingforMetal3Cluster", { severity: "Info" }],
  ["WaitingForBootstrapData", { reason: "WaitingForBootstrapReady", severity: "Info" }],
  ["WaitingForMetal3Data", { severity: "Info" }],
  ["AssociatingBareMetalHost", { severity: "Info" }],
  ["AssociateBareMetalHostFailed", { reason: "AssociateBMHFailed", severity: "Error" }],
  ["Paused", { reason: "Metal3MachinePaused", severity: "Info" }],
  ["Deleting", { severity: "Info" }],
]);

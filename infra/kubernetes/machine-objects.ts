// The smallest set of objects with which `kubectl scale machineset` asks for hosts: a Cluster whose control plane is
// run by somebody else, what Farrier provides for it, and a MachineSet. What cluster-api's webhooks would set by
// default is written out, as they are not registered here.
import { infrastructureGroup } from "../../shared/capm3/provider.ts";

const coreVersion = "cluster.x-k8s.io/v1beta2";
const clusterLabel = "cluster.x-k8s.io/cluster-name";
const controlPlaneGroup = "controlplane.cluster.x-k8s.io";

/** Where the objects are, and whose. */
export interface Workload {
  readonly namespace: string;
  readonly clusterName: string;
}

/** A kind of control plane that only says it is there, as the contract for hosted ones wants it. Apply it first. */
export const controlPlaneKind = openKind(controlPlaneGroup, "HostedControlPlane");

/** The definition of a kind whose status is written like any other field. */
export function openKind(group: string, kind: string) {
  const plural = `${kind.toLowerCase()}s`;
  const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, labels: { "cluster.x-k8s.io/v1beta2": "v1beta2" } },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, plural },
      versions: [{ name: "v1beta2", served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  };
}

/** Metadata of an object that belongs to the cluster. */
export function inWorkload({ namespace, clusterName }: Workload, name: string) {
  return { name, namespace, labels: { [clusterLabel]: clusterName } };
}

export function objectReference(apiGroup: string, kind: string, name: string) {
  return { apiGroup, kind, name };
}

/** The Cluster with its parts. */
export function clusterObjects(
  workload: Workload,
  parts: {
    /** The text of one for the workload cluster. */
    readonly kubeconfig: string;
    readonly endpoint: { readonly host: string; readonly port: number };
    /** Added to the spec of the Metal3Cluster. */
    readonly metal3Cluster?: object;
  },
): object[] {
  const { clusterName } = workload;
  return [
    {
      apiVersion: `${controlPlaneGroup}/v1beta2`,
      kind: "HostedControlPlane",
      metadata: inWorkload(workload, clusterName),
      status: {
        initialization: { controlPlaneInitialized: true },
        externalManagedControlPlane: true,
      },
    },
    {
      apiVersion: `${infrastructureGroup}/v1beta2`,
      kind: "Metal3Cluster",
      metadata: inWorkload(workload, clusterName),
      spec: { controlPlaneEndpoint: parts.endpoint, ...parts.metal3Cluster },
    },
    {
      apiVersion: coreVersion,
      kind: "Cluster",
      metadata: inWorkload(workload, clusterName),
      spec: {
        infrastructureRef: objectReference(infrastructureGroup, "Metal3Cluster", clusterName),
        controlPlaneRef: objectReference(controlPlaneGroup, "HostedControlPlane", clusterName),
      },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: inWorkload(workload, `${clusterName}-kubeconfig`),
      type: "cluster.x-k8s.io/secret",
      stringData: { value: parts.kubeconfig },
    },
  ];
}

/** A template of Metal3Machines and the user data for them, both of this name unless said otherwise. */
export function workerObjects(
  workload: Workload,
  parts: {
    readonly name: string;
    readonly bootstrapSecretName?: string;
    readonly userData: string;
    /** Of the Metal3Machines. */
    readonly spec: object;
  },
): object[] {
  const { name, bootstrapSecretName = name, userData, spec } = parts;
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: inWorkload(workload, bootstrapSecretName),
      type: "cluster.x-k8s.io/secret",
      stringData: { value: userData, format: "cloud-config" },
    },
    {
      apiVersion: `${infrastructureGroup}/v1beta2`,
      kind: "Metal3MachineTemplate",
      metadata: inWorkload(workload, name),
      spec: { template: { spec } },
    },
  ];
}

export interface MachineSetParts {
  readonly kind?: "MachineSet" | "MachineDeployment";
  readonly name: string;
  readonly replicas?: number;
  /** Of Metal3Machines. */
  readonly template: string;
  readonly bootstrapSecretName?: string;
  /** Added to the spec of the Machines. */
  readonly machine?: object;
  /** Added to its own spec. */
  readonly spec?: object;
}

/** A MachineSet, or a MachineDeployment, of such Machines; they have its name as the label `pool`. */
export function machineSet(workload: Workload, parts: MachineSetParts): object {
  const { kind = "MachineSet", name, replicas = 0, template } = parts;
  const { bootstrapSecretName: dataSecretName = template } = parts;
  const { clusterName } = workload;
  const labels = { [clusterLabel]: clusterName, pool: name };
  return {
    apiVersion: coreVersion,
    kind,
    metadata: inWorkload(workload, name),
    spec: {
      clusterName,
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          clusterName,
          bootstrap: { dataSecretName },
          infrastructureRef: objectReference(
            infrastructureGroup,
            "Metal3MachineTemplate",
            template,
          ),
          // Of what core's webhook sets: the rest waits for the Node to be gone.
          deletion: { nodeDeletionTimeoutSeconds: 10 },
          ...parts.machine,
        },
      },
      ...parts.spec,
    },
  };
}

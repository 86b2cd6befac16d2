// The smallest set of objects with which `kubectl scale machineset` asks for hosts: a Cluster whose control plane is
// run by somebody else, what Farrier provides for it, and a MachineSet. What cluster-api's webhooks would set by
// default is written out, as they are not registered in the tests.
import { infrastructureGroup } from "../../../shared/capm3/provider.ts";
import { testNamespace } from "../host-watch.ts";

export const clusterName = "meadow";
export const machineSetName = "meadow-workers";
export const templateName = "meadow-worker";

const coreVersion = "cluster.x-k8s.io/v1beta2";
const clusterLabel = "cluster.x-k8s.io/cluster-name";
const controlPlaneGroup = "controlplane.cluster.x-k8s.io";
const bootstrapGroup = "bootstrap.cluster.x-k8s.io";
export const bootstrapSecretName = "meadow-worker-user-data";

/** A kind of control plane that only says it is there, as the contract for hosted ones wants it. */
const controlPlane = openKind(controlPlaneGroup, "HostedControlPlane");
/** A kind of bootstrap data that is ready when its status says so. */
const bootstrap = openKind(bootstrapGroup, "PlainConfig");

/** Kinds of the tests' own. Apply them first. */
export const definitions = [controlPlane, bootstrap] as const;

/** Its status is written like any other field. */
function openKind(group: string, kind: string) {
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

const named = (name: string) => ({
  name,
  namespace: testNamespace,
  labels: { [clusterLabel]: clusterName },
});

/** The Cluster with its parts. `kubeconfig` is the text of one for the workload cluster. */
export function clusterObjects(kubeconfig: string, metal3Cluster: object = {}): object[] {
  return [
    {
      apiVersion: `${controlPlaneGroup}/v1beta2`,
      kind: "HostedControlPlane",
      metadata: named(clusterName),
      status: {
        initialization: { controlPlaneInitialized: true },
        externalManagedControlPlane: true,
      },
    },
    {
      apiVersion: `${infrastructureGroup}/v1beta2`,
      kind: "Metal3Cluster",
      metadata: named(clusterName),
      spec: { controlPlaneEndpoint: { host: "meadow.example", port: 6443 }, ...metal3Cluster },
    },
    {
      apiVersion: coreVersion,
      kind: "Cluster",
      metadata: named(clusterName),
      spec: {
        infrastructureRef: reference(infrastructureGroup, "Metal3Cluster", clusterName),
        controlPlaneRef: reference(controlPlaneGroup, "HostedControlPlane", clusterName),
      },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: named(`${clusterName}-kubeconfig`),
      type: "cluster.x-k8s.io/secret",
      stringData: { value: kubeconfig },
    },
  ];
}

const image = {
  url: "http://images.example/meadow.qcow2",
  checksum: "0".repeat(64),
  checksumType: "sha256",
  diskFormat: "qcow2",
};

/** A template of Metal3Machines and the user data for them. */
export function workerObjects(
  spec: Readonly<Record<string, unknown>> = {},
  name = templateName,
  userData = "#cloud-config\n",
): object[] {
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: named(bootstrapSecretName),
      type: "cluster.x-k8s.io/secret",
      stringData: { value: userData, format: "cloud-config" },
    },
    {
      apiVersion: `${infrastructureGroup}/v1beta2`,
      kind: "Metal3MachineTemplate",
      metadata: named(name),
      spec: { template: { spec: { image, ...spec } } },
    },
  ];
}

/** A MachineSet, or a MachineDeployment, of such Machines. */
export function machineSet(
  name: string,
  {
    kind = "MachineSet",
    replicas = 0,
    template = templateName,
    machine = {},
    ...spec
  }: MachineSetChoice = {},
): object {
  const labels = { [clusterLabel]: clusterName, pool: name };
  return {
    apiVersion: coreVersion,
    kind,
    metadata: named(name),
    spec: {
      clusterName,
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          clusterName,
          bootstrap: { dataSecretName: bootstrapSecretName },
          infrastructureRef: reference(infrastructureGroup, "Metal3MachineTemplate", template),
          // Of what core's webhook sets: the rest waits for the Node to be gone.
          deletion: { nodeDeletionTimeoutSeconds: 10 },
          ...machine,
        },
      },
      ...spec,
    },
  };
}

/** A machine without a MachineSet, with bootstrap data that somebody has yet to make. */
export function loneMachine(name: string, image: object) {
  return {
    machine: {
      apiVersion: coreVersion,
      kind: "Machine",
      metadata: named(name),
      spec: {
        clusterName,
        bootstrap: { configRef: reference(bootstrapGroup, "PlainConfig", name) },
        infrastructureRef: reference(infrastructureGroup, "Metal3Machine", name),
      },
    },
    config: {
      apiVersion: `${bootstrapGroup}/v1beta2`,
      kind: "PlainConfig",
      metadata: named(name),
    },
    metal3Machine: {
      apiVersion: `${infrastructureGroup}/v1beta2`,
      kind: "Metal3Machine",
      metadata: named(name),
      spec: { image },
    },
  };
}

interface MachineSetChoice {
  readonly kind?: "MachineSet" | "MachineDeployment";
  readonly replicas?: number;
  /** Of Metal3Machines. */
  readonly template?: string;
  /** Added to the spec of the Machines. */
  readonly machine?: object;
  /** Added to its own spec. */
  readonly [field: string]: unknown;
}

function reference(apiGroup: string, kind: string, name: string) {
  return { apiGroup, kind, name };
}

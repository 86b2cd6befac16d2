// The objects that ask for hosts (infra/kubernetes/machine-objects.ts) as these tests name them: one cluster in the
// namespace of the tests, with an image that no machine ever reads.
import {
  clusterObjects as clusterObjectsOf,
  controlPlaneKind,
  inWorkload,
  machineSet as machineSetOf,
  objectReference,
  openKind,
  workerObjects as workerObjectsOf,
} from "../../../infra/kubernetes/machine-objects.ts";
import { infrastructureGroup } from "../../../shared/capm3/provider.ts";
import { testNamespace } from "../host-watch.ts";

export const clusterName = "meadow";
export const machineSetName = "meadow-workers";
export const templateName = "meadow-worker";
export const bootstrapSecretName = "meadow-worker-user-data";

const workload = { namespace: testNamespace, clusterName };
const bootstrapGroup = "bootstrap.cluster.x-k8s.io";

/** A kind of bootstrap data that is ready when its status says so. */
const bootstrap = openKind(bootstrapGroup, "PlainConfig");

/** Kinds of the tests' own. Apply them first. */
export const definitions = [controlPlaneKind, bootstrap] as const;

/** The Cluster with its parts. `kubeconfig` is the text of one for the workload cluster. */
export function clusterObjects(kubeconfig: string, metal3Cluster: object = {}): object[] {
  const endpoint = { host: "meadow.example", port: 6443 };
  return clusterObjectsOf(workload, { kubeconfig, endpoint, metal3Cluster });
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
  const whole = { image, ...spec };
  return workerObjectsOf(workload, { name, bootstrapSecretName, userData, spec: whole });
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
  const parts = { kind, name, replicas, template, bootstrapSecretName, machine, spec };
  return machineSetOf(workload, parts);
}

/** A machine without a MachineSet, with bootstrap data that somebody has yet to make. */
export function loneMachine(name: string, image: object) {
  const metadata = inWorkload(workload, name);
  return {
    machine: {
      apiVersion: "cluster.x-k8s.io/v1beta2",
      kind: "Machine",
      metadata,
      spec: {
        clusterName,
        bootstrap: { configRef: objectReference(bootstrapGroup, "PlainConfig", name) },
        infrastructureRef: objectReference(infrastructureGroup, "Metal3Machine", name),
      },
    },
    config: { apiVersion: `${bootstrapGroup}/v1beta2`, kind: "PlainConfig", metadata },
    metal3Machine: {
      apiVersion: `${infrastructureGroup}/v1beta2`,
      kind: "Metal3Machine",
      metadata,
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

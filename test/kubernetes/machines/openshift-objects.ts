// The objects of OpenShift's founding story: three masters that are there already, and a MachineSet of workers.
import { secretObject } from "../objects.ts";

export const namespace = "openshift-machine-api";
export const setName = "ostest-worker-0";
const clusterLabel = "machine.openshift.io/cluster-api-cluster";
const setLabel = "machine.openshift.io/cluster-api-machineset";
const apiVersion = "machine.openshift.io/v1beta1";

/** Objects of the other tests, here. */
export function placed(objects: readonly object[], name?: string): object[] {
  return objects.map((object) => {
    const { kind, metadata } = object as { kind: string; metadata: object };
    const renamed = kind === "BareMetalHost" && name !== undefined ? { name } : {};
    return { ...object, metadata: { ...metadata, namespace, ...renamed } };
  });
}

export function userData(text = "#cloud-config\n"): object {
  return secretObject("worker-user-data", { userData: text }, namespace);
}

export function providerSpec(image: object, more: object = {}): object {
  return {
    value: {
      apiVersion: "baremetal.cluster.k8s.io/v1alpha1",
      kind: "BareMetalMachineProviderSpec",
      metadata: { creationTimestamp: null },
      image,
      userData: { name: "worker-user-data" },
      ...more,
    },
  };
}

export function machine(name: string, spec: object): object {
  const labels = { [clusterLabel]: "ostest", pool: "lone" };
  return { apiVersion, kind: "Machine", metadata: { name, namespace, labels }, spec };
}

export function machineSet(name: string, spec: object): object {
  const labels = { [setLabel]: name, pool: name };
  return {
    apiVersion,
    kind: "MachineSet",
    metadata: { name, namespace, labels: { [clusterLabel]: "ostest" } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { [setLabel]: name } },
      template: { metadata: { labels }, spec },
    },
  };
}

/** Of a host that was installed before there was a Farrier. */
export function consumerOf(name: string): object {
  return { apiVersion, kind: "Machine", name, namespace };
}

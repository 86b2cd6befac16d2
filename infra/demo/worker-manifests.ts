// The YAML with which cluster-api asks for Nodes: a cluster whose control plane somebody else runs, here that of the
// demo itself, and a MachineSet that wants none yet.
import { stringify } from "yaml";
import { clusterObjects, machineSet, workerObjects } from "../kubernetes/machine-objects.ts";
import { namespace } from "./host-manifests.ts";
import type { ServedImage } from "./stage.ts";

const workload = { namespace, clusterName: "meadow" };
const template = "meadow-worker";
export const machineSetName = "meadow-workers";

/** @param url of the cluster's Kubernetes API */
export function clusterManifest(kubeconfig: string, url: string): string {
  const { hostname, port } = new URL(url);
  const endpoint = { host: hostname, port: Number(port) };
  return documents(clusterObjects(workload, { kubeconfig, endpoint }));
}

/** @param userData makes a machine a Node of the cluster */
export function workersManifest(userData: string, { url, sha256 }: ServedImage): string {
  const image = { url, checksum: sha256, checksumType: "sha256", diskFormat: "qcow2" };
  return documents([
    ...workerObjects(workload, { name: template, userData, spec: { image } }),
    machineSet(workload, { name: machineSetName, template }),
  ]);
}

function documents(objects: readonly object[]): string {
  return objects.map((object) => stringify(object)).join("---\n");
}

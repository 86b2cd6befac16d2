// What people do to Machines of cluster-api: they make a Cluster with a MachineSet, scale it, delete one Machine, or all of it.
import { partsOf } from "../workload/addresses.ts";
import type { Command } from "../workload/scenario.ts";
import { canaryToken } from "./canaries.ts";
import type { Kubectl } from "./kubectl.ts";
import type { Json } from "./server/frozen-json.ts";
import {
  collectionPath,
  coreClusters,
  coreMachines,
  machineSets,
  metal3Clusters,
  metal3MachineTemplates,
  objectPath,
  secrets,
} from "./server/resources.table.ts";
import type { Resource } from "./server/resources.table.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

type CommandOf<K extends Command["kind"]> = Extract<Command, { readonly kind: K }>;

export class MachinePlayer {
  readonly #kubectl: Kubectl;
  readonly #cluster: SimulatedCluster;

  constructor(kubectl: Kubectl, cluster: SimulatedCluster) {
    this.#kubectl = kubectl;
    this.#cluster = cluster;
  }

  async create({ set, hostSelector }: CommandOf<"create-machine-set">, image: Json): Promise<void> {
    const { namespace, name } = partsOf(set);
    const { format: diskFormat, ...rest } = image;
    const { group: apiGroup } = metal3Clusters;
    const bootstrap = { dataSecretName: `${name}-bootstrap` };
    await this.#kubectl.createNamespace(namespace);
    await this.#create(secrets, set, {
      metadata: { name: bootstrap.dataSecretName },
      stringData: { value: "#cloud-config\n", format: "cloud-config" },
    });
    await this.#create(secrets, set, {
      metadata: { name: `${name}-kubeconfig`, labels: { "cluster.x-k8s.io/cluster-name": name } },
      stringData: { value: JSON.stringify(kubeconfigOf(this.#cluster.name, name)) },
    });
    await this.#create(metal3Clusters, set, {
      spec: { controlPlaneEndpoint: { host: "192.0.2.10", port: 6_443 } },
    });
    await this.#create(coreClusters, set, {
      spec: { infrastructureRef: { apiGroup, kind: metal3Clusters.kind, name } },
    });
    await this.#create(metal3MachineTemplates, set, {
      spec: { template: { spec: { image: { ...rest, diskFormat }, hostSelector } } },
    });
    const infrastructureRef = { apiGroup, kind: metal3MachineTemplates.kind, name };
    await this.#create(machineSets, set, {
      spec: {
        clusterName: name,
        replicas: 0,
        template: { spec: { clusterName: name, bootstrap, infrastructureRef } },
      },
    });
  }

  async scale({ set, replicas }: CommandOf<"scale">): Promise<void> {
    await this.#kubectl.patch(this.#path(machineSets, set), { spec: { replicas } });
  }

  async deleteOne({ set }: CommandOf<"delete-machine">): Promise<void> {
    const { namespace, name } = partsOf(set);
    const machine = [...this.#cluster.objects.values()].find(
      ({ kind, metadata, spec }) =>
        kind === coreMachines.kind &&
        metadata.namespace === namespace &&
        metadata.deletionTimestamp === undefined &&
        spec?.["clusterName"] === name,
    );
    if (machine === undefined) return;
    await this.#kubectl.delete(objectPath(coreMachines, namespace, machine.metadata.name));
  }

  async deleteAll({ set }: CommandOf<"delete-machine-set">): Promise<void> {
    await this.#kubectl.delete(this.#path(coreClusters, set));
  }

  async #create(resource: Resource, set: string, object: Json): Promise<void> {
    const { namespace, name } = partsOf(set);
    const metadata = { name, namespace, ...(object["metadata"] as Json | undefined) };
    const { apiVersion, kind } = resource;
    await this.#kubectl.create(collectionPath(resource, namespace), {
      apiVersion,
      kind,
      ...object,
      metadata,
    });
  }

  #path(resource: Resource, set: string): string {
    const { namespace, name } = partsOf(set);
    return objectPath(resource, namespace, name);
  }
}

/** Where the Nodes of workload clusters are: at the API server that holds their hosts. */
export const workloadDomain = "workload.example";

function kubeconfigOf(cluster: string, name: string): Json {
  return {
    "current-context": name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster: { server: `https://${cluster}.${workloadDomain}` } }],
    users: [{ name, user: { token: canaryToken(name) } }],
  };
}

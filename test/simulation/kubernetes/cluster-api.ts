// cluster-api's core, as far as a provider of machines sees it: a MachineSet makes Machines and their infrastructure of
// a template, a Machine owns its infrastructure, takes over what that tells and takes it down with it, and a Cluster
// tells when its infrastructure is there. Acts a moment after what it saw, and looks at everything again at times.
import type { KubernetesApi, KubernetesRequest } from "../../../site-agent/cluster/port.ts";
import type { Kernel, Timer } from "../kernel/kernel.ts";
import type { Random } from "../kernel/random.ts";
import type { KubernetesObject } from "../world/events.ts";
import { isObject } from "./server/frozen-json.ts";
import type { Json } from "./server/frozen-json.ts";
import type { ObjectStore } from "./server/object-store.ts";
import {
  collectionPath,
  coreClusters,
  coreMachines,
  isOfClusterApi,
  machineSets,
  metal3Clusters,
  metal3Machines,
  metal3MachineTemplates,
  nodes,
  objectPath,
} from "./server/resources.table.ts";
import type { Resource } from "./server/resources.table.ts";

export interface ClusterApiOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  /** What it sees. */
  readonly store: ObjectStore;
  /** What it acts through. */
  readonly api: KubernetesApi;
}

const clusterFinalizer = "cluster.cluster.x-k8s.io";
const machineFinalizer = "machine.cluster.x-k8s.io";
const clusterLabel = "cluster.x-k8s.io/cluster-name";
const lookAgainMs = 10_000;

export class ClusterApi {
  readonly #options: ClusterApiOptions;
  #timer: Timer | undefined;
  #isLooking = false;
  #isNew = false;

  constructor(options: ClusterApiOptions) {
    this.#options = options;
  }

  onChange({ resource }: { readonly resource: Resource }): void {
    if (!isOfClusterApi(resource) && resource !== nodes) return;
    if (this.#isLooking) this.#isNew = true;
    else this.#lookIn(this.#soonMs());
  }

  #soonMs(): number {
    return this.#options.random.between(20, 1_500);
  }

  #lookIn(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.kernel.timer(ms, () => void this.#look());
  }

  async #look(): Promise<void> {
    [this.#isLooking, this.#isNew] = [true, false];
    for (const each of this.#all(coreClusters)) await this.#lookAtCluster(each);
    for (const each of this.#all(machineSets)) await this.#lookAtSet(each);
    for (const each of this.#all(coreMachines)) await this.#lookAtMachine(each);
    this.#isLooking = false;
    this.#lookIn(this.#isNew ? this.#soonMs() : lookAgainMs);
  }

  async #lookAtCluster(cluster: KubernetesObject): Promise<void> {
    const { metadata } = cluster;
    const infrastructure = this.#get(metal3Clusters, cluster, infrastructureOf(cluster));
    if (metadata.deletionTimestamp !== undefined) {
      await this.#takeDown(coreClusters, cluster, this.#belongings(cluster, infrastructure));
      return;
    }
    await this.#hold(coreClusters, cluster, clusterFinalizer);
    if (infrastructure === undefined) return;
    await this.#own(metal3Clusters, infrastructure, cluster);
    if (!isProvisioned(infrastructure) || statusOf(cluster).initialization !== undefined) return;
    await this.#tell(coreClusters, cluster, {
      initialization: { infrastructureProvisioned: true },
    });
  }

  /** First the sets, then what is left of the Machines, then the rest. */
  #belongings(
    { metadata: { name, namespace } }: KubernetesObject,
    infrastructure: KubernetesObject | undefined,
  ): readonly (readonly [Resource, KubernetesObject])[] {
    const ofCluster = (resource: Resource) =>
      this.#all(resource)
        .filter(({ spec, metadata }) => {
          return metadata.namespace === namespace && spec?.["clusterName"] === name;
        })
        .map((object) => [resource, object] as const);
    const sets = ofCluster(machineSets);
    if (sets.length > 0) return sets;
    const machines = ofCluster(coreMachines);
    if (machines.length > 0) return machines;
    return infrastructure === undefined ? [] : [[metal3Clusters, infrastructure]];
  }

  async #lookAtSet(set: KubernetesObject): Promise<void> {
    if (set.metadata.deletionTimestamp !== undefined) return;
    const { replicas = 0 } = (set.spec ?? {}) as { replicas?: number };
    const machines = this.#all(coreMachines).filter(
      ({ metadata }) =>
        metadata.deletionTimestamp === undefined &&
        ownersOf(metadata).some(({ uid }) => uid === set.metadata.uid),
    );
    for (let missing = replicas - machines.length; missing > 0; missing -= 1) {
      await this.#makeMachine(set);
    }
    const { random } = this.#options;
    for (const each of random.shuffle(machines).slice(0, Math.max(0, machines.length - replicas))) {
      await this.#delete(coreMachines, each);
    }
  }

  /** The infrastructure first, as the real one. */
  async #makeMachine(set: KubernetesObject): Promise<void> {
    const { template } = (set.spec ?? {}) as { template: { spec: Json } };
    const { namespace = "", name: setName } = set.metadata;
    const name = `${setName}-${Buffer.from(this.#options.random.bytes(3)).toString("hex")}`;
    const labels = { [clusterLabel]: set.spec?.["clusterName"] };
    const made = { name, namespace, labels, ownerReferences: [ownerOf(machineSets, set)] };
    const ofTemplate = this.#get(metal3MachineTemplates, set, infrastructureOf(template));
    const { template: pattern } = (ofTemplate?.spec ?? {}) as { template?: { spec?: Json } };
    if (pattern === undefined) return;
    const isMade = await this.#post(metal3Machines, {
      metadata: {
        ...made,
        annotations: {
          "cluster.x-k8s.io/cloned-from-name": ofTemplate?.metadata.name,
          "cluster.x-k8s.io/cloned-from-groupkind": `${metal3MachineTemplates.kind}.${metal3MachineTemplates.group}`,
        },
      },
      spec: pattern.spec ?? {},
    });
    if (!isMade) return;
    const { group: apiGroup, kind } = metal3Machines;
    await this.#post(coreMachines, {
      metadata: made,
      spec: { ...template.spec, infrastructureRef: { apiGroup, kind, name } },
    });
  }

  async #lookAtMachine(machine: KubernetesObject): Promise<void> {
    const infrastructure = this.#get(metal3Machines, machine, infrastructureOf(machine));
    if (machine.metadata.deletionTimestamp !== undefined) {
      const left = infrastructure === undefined ? [] : [[metal3Machines, infrastructure] as const];
      const node = this.#nodeOf(machine);
      if (left.length === 0 && node !== undefined) await this.#delete(nodes, node);
      await this.#takeDown(coreMachines, machine, left);
      return;
    }
    await this.#hold(coreMachines, machine, machineFinalizer);
    if (infrastructure === undefined) return;
    await this.#own(metal3Machines, infrastructure, machine);
    if (isProvisioned(infrastructure)) await this.#takeOver(machine, infrastructure);
  }

  async #takeOver(machine: KubernetesObject, infrastructure: KubernetesObject): Promise<void> {
    const providerID = infrastructure.spec?.["providerID"];
    if (providerID === undefined) return;
    if (machine.spec?.["providerID"] !== providerID) {
      await this.#patch(coreMachines, machine, { spec: { providerID } });
    }
    const { initialization, nodeRef } = statusOf(machine);
    const node = this.#nodeOf(machine);
    if (initialization !== undefined && (nodeRef !== undefined || node === undefined)) return;
    await this.#tell(coreMachines, machine, {
      initialization: { infrastructureProvisioned: true },
      ...(node === undefined ? {} : { nodeRef: { name: node.metadata.name } }),
    });
  }

  /** By its providerID, and by nothing else. */
  #nodeOf({ spec }: KubernetesObject): KubernetesObject | undefined {
    const providerID = spec?.["providerID"];
    if (providerID === undefined) return undefined;
    return this.#all(nodes).find((node) => node.spec?.["providerID"] === providerID);
  }

  /** Deletes what is left, and goes when nothing is. */
  async #takeDown(
    resource: Resource,
    object: KubernetesObject,
    left: readonly (readonly [Resource, KubernetesObject])[],
  ): Promise<void> {
    for (const [of, each] of left) {
      if (each.metadata.deletionTimestamp === undefined) await this.#delete(of, each);
    }
    if (left.length === 0) await this.#patch(resource, object, { metadata: { finalizers: null } });
  }

  async #hold(resource: Resource, object: KubernetesObject, finalizer: string): Promise<void> {
    const { finalizers = [] } = object.metadata;
    if (finalizers.includes(finalizer)) return;
    await this.#patch(resource, object, { metadata: { finalizers: [...finalizers, finalizer] } });
  }

  async #own(resource: Resource, object: KubernetesObject, owner: KubernetesObject): Promise<void> {
    const owners = ownersOf(object.metadata);
    if (owners.some(({ uid }) => uid === owner.metadata.uid)) return;
    const of = resource === metal3Machines ? coreMachines : coreClusters;
    const ownerReferences = [
      ...owners.map((each) => ({ ...each, controller: false })),
      ownerOf(of, owner),
    ];
    await this.#patch(resource, object, { metadata: { ownerReferences } });
  }

  async #tell(resource: Resource, object: KubernetesObject, status: Json): Promise<void> {
    const body = { metadata: bound(object), status };
    const path = `${pathOf(resource, object)}/status`;
    await this.#send({ method: "PATCH", patch: "merge", path, body });
  }

  async #patch(
    resource: Resource,
    object: KubernetesObject,
    { metadata, ...fields }: { readonly metadata?: Json; readonly spec?: Json },
  ): Promise<void> {
    const body = { metadata: { ...metadata, ...bound(object) }, ...fields };
    await this.#send({ method: "PATCH", patch: "merge", path: pathOf(resource, object), body });
  }

  async #delete(resource: Resource, object: KubernetesObject): Promise<void> {
    const body = { preconditions: { uid: object.metadata.uid } };
    await this.#send({ method: "DELETE", path: pathOf(resource, object), body });
  }

  async #post(
    resource: Resource,
    object: { readonly metadata: Json; readonly spec: Json },
  ): Promise<boolean> {
    const { apiVersion, kind } = resource;
    const path = collectionPath(resource, String(object.metadata["namespace"]));
    return await this.#send({ method: "POST", path, body: { apiVersion, kind, ...object } });
  }

  /** What is refused, or lost, is tried again when it looks the next time. */
  async #send(request: KubernetesRequest): Promise<boolean> {
    const answer = await this.#options.api.request(request);
    return answer.ok && answer.value.status < 300;
  }

  #all(resource: Resource): readonly KubernetesObject[] {
    return this.#options.store.list(resource);
  }

  /** In the namespace of another object. */
  #get(
    resource: Resource,
    { metadata: { namespace } }: KubernetesObject,
    name: string | undefined,
  ): KubernetesObject | undefined {
    if (name === undefined) return undefined;
    return this.#options.store.get(resource, objectPath(resource, namespace, name));
  }
}

interface Owner {
  readonly uid: string;
}

function ownersOf(metadata: KubernetesObject["metadata"]): readonly Owner[] {
  return (metadata["ownerReferences"] ?? []) as readonly Owner[];
}

function ownerOf({ apiVersion, kind }: Resource, { metadata }: KubernetesObject): Json {
  const { name, uid } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** So that nobody's change is lost. */
function bound({ metadata: { uid, resourceVersion } }: KubernetesObject): Json {
  return { uid, resourceVersion };
}

function pathOf(resource: Resource, { metadata: { namespace, name } }: KubernetesObject): string {
  return objectPath(resource, namespace, name);
}

function infrastructureOf({ spec }: { readonly spec?: Json }): string | undefined {
  const reference = spec?.["infrastructureRef"];
  return isObject(reference) ? String(reference["name"]) : undefined;
}

interface Status {
  readonly initialization?: { readonly provisioned?: boolean };
  readonly nodeRef?: { readonly name: string };
}

function statusOf({ status = {} }: KubernetesObject): Status {
  return status;
}

function isProvisioned(object: KubernetesObject): boolean {
  return statusOf(object).initialization?.provisioned === true;
}

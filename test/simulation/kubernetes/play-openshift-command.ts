// What people do to OpenShift's Machines: they make a MachineSet, scale it, delete one Machine, or the MachineSet.
import { partsOf } from "../workload/addresses.ts";
import type { Command } from "../workload/scenario.ts";
import type { Kubectl } from "./kubectl.ts";
import type { Json } from "./server/frozen-json.ts";
import {
  collectionPath,
  objectPath,
  openShiftMachines,
  openShiftMachineSets,
  secrets,
} from "./server/resources.table.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";
import type { KubernetesObject } from "../world/events.ts";

type CommandOf<K extends Command["kind"]> = Extract<Command, { readonly kind: K }>;

const setLabel = "machine.openshift.io/cluster-api-machineset";

export class OpenShiftPlayer {
  readonly #kubectl: Kubectl;
  readonly #cluster: SimulatedCluster;

  constructor(kubectl: Kubectl, cluster: SimulatedCluster) {
    this.#kubectl = kubectl;
    this.#cluster = cluster;
  }

  async create({ set, hostSelector }: CommandOf<"create-machine-set">, image: Json): Promise<void> {
    const { namespace, name } = partsOf(set);
    const { format: diskFormat, ...rest } = image;
    const userData = `${name}-user-data`;
    const labels = { [setLabel]: name };
    await this.#kubectl.createNamespace(namespace);
    await this.#kubectl.create(collectionPath(secrets, namespace), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: userData, namespace },
      stringData: { userData: "#cloud-config\n" },
    });
    const value = {
      apiVersion: "baremetal.cluster.k8s.io/v1alpha1",
      kind: "BareMetalMachineProviderSpec",
      image: { ...rest, diskFormat },
      userData: { name: userData },
      ...(hostSelector === undefined ? {} : { hostSelector }),
    };
    const { apiVersion, kind } = openShiftMachineSets;
    await this.#kubectl.create(collectionPath(openShiftMachineSets, namespace), {
      apiVersion,
      kind,
      metadata: { name, namespace },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { providerSpec: { value } } },
      },
    });
  }

  async scale({ set, replicas }: CommandOf<"scale">): Promise<void> {
    await this.#kubectl.patch(setPath(set), { spec: { replicas } });
  }

  async deleteOne({ set }: CommandOf<"delete-machine">): Promise<void> {
    const machine = this.#firstOf(set);
    if (machine !== undefined) await this.#kubectl.delete(pathOf(machine));
  }

  async deleteAll({ set }: CommandOf<"delete-machine-set">): Promise<void> {
    await this.#kubectl.delete(setPath(set));
  }

  async mark({ set }: CommandOf<"mark-machine">): Promise<void> {
    const machine = this.#firstOf(set);
    if (machine === undefined) return;
    const annotations = { "machine.openshift.io/delete-machine": "yes" };
    await this.#kubectl.patch(pathOf(machine), { metadata: { annotations } });
  }

  /** The Machine, as long as there is one. */
  async hook({ set, hook }: CommandOf<"hook-machine">): Promise<KubernetesObject | undefined> {
    const machine = this.#firstOf(set);
    if (machine === undefined) return undefined;
    const lifecycleHooks = { [hook]: [{ name: "backup", owner: "somebody" }] };
    await this.#kubectl.patch(pathOf(machine), { spec: { lifecycleHooks } });
    return machine;
  }

  async unhook(machine: KubernetesObject): Promise<void> {
    await this.#kubectl.patch(pathOf(machine), { spec: { lifecycleHooks: null } });
  }

  /** Of those that stay. */
  #firstOf(set: string): KubernetesObject | undefined {
    const { namespace, name } = partsOf(set);
    return [...this.#cluster.objects.values()].find(
      ({ apiVersion, kind, metadata }) =>
        apiVersion === openShiftMachines.apiVersion &&
        kind === openShiftMachines.kind &&
        metadata.namespace === namespace &&
        metadata.deletionTimestamp === undefined &&
        metadata.labels?.[setLabel] === name,
    );
  }
}

function setPath(set: string): string {
  const { namespace, name } = partsOf(set);
  return objectPath(openShiftMachineSets, namespace, name);
}

function pathOf({ metadata: { namespace, name } }: KubernetesObject): string {
  return objectPath(openShiftMachines, namespace, name);
}

// Does what a scenario's commands say to clusters, as people, pipelines and other controllers do. What they do to
// machines is the world's.
import type { Kernel } from "../kernel/kernel.ts";
import type { Random } from "../kernel/random.ts";
import { bmcSecretOf, partsOf, userDataSecretOf } from "../workload/addresses.ts";
import type { Command } from "../workload/scenario.ts";
import { canaryUserData, wrongPassword } from "./canaries.ts";
import { Claimers } from "./claimers.ts";
import { isObject } from "./server/frozen-json.ts";
import type { Json } from "./server/frozen-json.ts";
import { Kubectl } from "./kubectl.ts";
import { MachinePlayer } from "./play-machine-command.ts";
import { OpenShiftPlayer } from "./play-openshift-command.ts";
import {
  collectionPath,
  hosts,
  namespaces,
  objectPath,
  secrets,
} from "./server/resources.table.ts";
import { personCaller } from "./simulated-cluster.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

export interface PlayOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly clusters: ReadonlyMap<string, SimulatedCluster>;
  /** What spec.image is for the image of that name. */
  readonly image: (name: string) => Json;
  /** Undefined: there is no such machine. */
  readonly machine: (name: string) => MachineFacts | undefined;
  /** Name of the machine that the host was created for. */
  readonly machineOf: (host: string) => string | undefined;
}

export interface MachineFacts {
  readonly site: string;
  /** As "ipmi://10.1.0.11:623". */
  readonly bmcAddress: string;
  /** What else a host's spec says of the machine. */
  readonly spec: Json;
  /** That its BMC takes now. */
  readonly password: string;
}

type CommandOf<K extends Command["kind"]> = Extract<Command, { readonly kind: K }>;
/** Those that are about a cluster. */
export type ClusterCommand = Exclude<Command, { readonly kind: "power-button" | "install-system" }>;

type Plays = {
  readonly [K in ClusterCommand["kind"]]: (command: CommandOf<K>) => Promise<unknown>;
};

interface Hands {
  readonly person: Kubectl;
  /** Whose writes another webhook refuses. */
  readonly refused: Kubectl;
  readonly claimers: Claimers;
  readonly machines: MachinePlayer | OpenShiftPlayer;
  readonly openShift: OpenShiftPlayer;
}

const goneTries = 60;
/** Longer than the garbage collector takes for what the last host of a name owned. */
const lookMs = 5_000;

export class CommandPlayer {
  readonly #options: PlayOptions;
  readonly #hands: ReadonlyMap<string, Hands>;
  readonly #plays: Plays = {
    "create-host": (command) => this.#createHost(command),
    "patch-spec": (command) => this.#patchSpec(command),
    "dry-run-patch": (command) => this.#patchSpec(command),
    "rejected-patch": (command) => this.#patchSpec(command),
    annotate: ({ host, annotation, value }) =>
      this.#patchMetadata(host, { annotations: { [annotation]: value } }),
    "remove-finalizer": ({ host }) => this.#patchMetadata(host, { finalizers: null }),
    "delete-host": ({ host }) => this.#personAt(host).delete(hostPath(host)),
    "delete-namespace": ({ cluster, namespace }) =>
      this.#of(cluster).person.delete(objectPath(namespaces, undefined, namespace)),
    "change-password": (command) => this.#changeSecret(command),
    "wrong-secret": (command) => this.#changeSecret(command),
    "delete-secret": (command) => this.#changeSecret(command),
    claim: (command) =>
      this.#of(command.cluster).claimers.claim(command, this.#options.image(command.image)),
    release: (command) => this.#of(command.cluster).claimers.release(command),
    "create-machine-set": (command) =>
      this.#machinesAt(command).create(command, this.#options.image(command.image)),
    scale: (command) => this.#machinesAt(command).scale(command),
    "delete-machine": (command) => this.#machinesAt(command).deleteOne(command),
    "delete-machine-set": (command) => this.#machinesAt(command).deleteAll(command),
    "mark-machine": (command) => this.#of(partsOf(command.set).cluster).openShift.mark(command),
    "hook-machine": (command) => this.#hookMachine(command),
  };

  constructor(options: PlayOptions) {
    this.#options = options;
    this.#hands = new Map(
      [...options.clusters].map(([name, cluster]) => [name, handsOn(cluster, options)]),
    );
  }

  /** Ends when the command is done, refused or given up. */
  async play(command: ClusterCommand): Promise<void> {
    await (this.#plays[command.kind] as (command: ClusterCommand) => Promise<unknown>)(command);
  }

  async #createHost(command: CommandOf<"create-host">): Promise<void> {
    const { host, machine, userData, annotations } = command;
    const { namespace, name } = partsOf(host);
    const facts = this.#options.machine(machine);
    if (facts === undefined) return;
    await this.#untilLastIsGone(host);
    await this.#personAt(host).createNamespace(namespace);
    await this.#applyPassword(host, facts.password);
    if (userData !== undefined) await this.#applyUserData(host, userData);
    await this.#personAt(host).create(collectionPath(hosts, namespace), {
      apiVersion: hosts.apiVersion,
      kind: hosts.kind,
      metadata: { name, namespace, labels: { "farrier.dev/site": facts.site }, annotations },
      spec: {
        online: true,
        bmc: { address: facts.bmcAddress, credentialsName: bmcSecretOf(host) },
        ...facts.spec,
        ...(userData === undefined ? {} : { userData: { name: userDataSecretOf(host) } }),
        ...this.#withImage(command.spec),
      },
    });
  }

  /** Whoever creates a host again waits for the last one, and for its namespace, to be gone. */
  async #untilLastIsGone(host: string): Promise<void> {
    const { namespace } = partsOf(host);
    for (const path of [hostPath(host), objectPath(namespaces, undefined, namespace)]) {
      for (let left = goneTries; left > 0; left -= 1) {
        const { body } = await this.#personAt(host).get(path);
        const { metadata } = (isObject(body) ? body : {}) as { metadata?: Json };
        if (metadata?.["deletionTimestamp"] === undefined) break;
        await this.#options.kernel.sleep(lookMs);
      }
    }
  }

  async #patchSpec(
    command: CommandOf<"patch-spec" | "dry-run-patch" | "rejected-patch">,
  ): Promise<void> {
    const { kind, host, patch } = command;
    const { person, refused } = this.#of(partsOf(host).cluster);
    const query = kind === "dry-run-patch" ? "?dryRun=All" : "";
    const kubectl = kind === "rejected-patch" ? refused : person;
    await kubectl.patch(`${hostPath(host)}${query}`, { spec: this.#withImage(patch) });
  }

  async #hookMachine(command: CommandOf<"hook-machine">): Promise<void> {
    const { openShift } = this.#of(partsOf(command.set).cluster);
    const machine = await openShift.hook(command);
    await this.#options.kernel.sleep(command.lagMs);
    if (machine !== undefined) await openShift.unhook(machine);
  }

  async #patchMetadata(host: string, metadata: Json): Promise<void> {
    await this.#personAt(host).patch(hostPath(host), { metadata });
  }

  /** And `lagMs` later it is right again. */
  async #changeSecret(
    command: CommandOf<"change-password" | "wrong-secret" | "delete-secret">,
  ): Promise<void> {
    const { kind, host, lagMs } = command;
    if (kind === "wrong-secret") await this.#applyPassword(host, wrongPassword);
    if (kind === "delete-secret") await this.#deleteSecret(host);
    await this.#options.kernel.sleep(lagMs);
    const facts = this.#options.machine(this.#options.machineOf(host) ?? "");
    if (facts !== undefined) await this.#applyPassword(host, facts.password);
  }

  /** By force: it has a finalizer of ours. */
  async #deleteSecret(host: string): Promise<void> {
    const path = objectPath(secrets, partsOf(host).namespace, bmcSecretOf(host));
    await this.#personAt(host).delete(path);
    await this.#personAt(host).patch(path, { metadata: { finalizers: null } });
  }

  async #applyPassword(host: string, password: string): Promise<void> {
    await this.#applySecret(host, bmcSecretOf(host), { username: "admin", password });
  }

  async #applyUserData(host: string, text: string): Promise<void> {
    const userData = `#cloud-config\n# ${canaryUserData(partsOf(host).name)}\n${text}`;
    await this.#applySecret(host, userDataSecretOf(host), { userData });
  }

  async #applySecret(
    host: string,
    name: string,
    content: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { namespace } = partsOf(host);
    const data = Object.fromEntries(
      Object.entries(content).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
    );
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, data };
    await this.#personAt(host).apply(collectionPath(secrets, namespace), name, secret);
  }

  /** `image: {name}` stands for the whole image. */
  #withImage(spec: Json): Json {
    const { image } = spec as { image?: { readonly name?: string } | null };
    return image?.name === undefined ? spec : { ...spec, image: this.#options.image(image.name) };
  }

  #personAt(host: string): Kubectl {
    return this.#of(partsOf(host).cluster).person;
  }

  #machinesAt({ set }: { readonly set: string }): MachinePlayer | OpenShiftPlayer {
    return this.#of(partsOf(set).cluster).machines;
  }

  #of(cluster: string): Hands {
    const hands = this.#hands.get(cluster);
    if (hands === undefined) throw new Error(`the scenario has no cluster ${cluster}`);
    return hands;
  }
}

function handsOn(cluster: SimulatedCluster, { kernel, random }: PlayOptions): Hands {
  const own = random.split(cluster.name);
  const kubectl = (user: string, isRefusedLater: boolean): Kubectl => {
    const api = cluster.apiAs({ ...personCaller, user, isRefusedLater });
    return new Kubectl({ kernel, random: own.split(user), api });
  };
  const person = kubectl(personCaller.user, false);
  const openShift = new OpenShiftPlayer(person, cluster);
  return {
    person,
    openShift,
    machines: cluster.hasOpenShift ? openShift : new MachinePlayer(person, cluster),
    refused: kubectl("over-quota", true),
    claimers: new Claimers({ kernel, random: own.split("claimers"), cluster }),
  };
}

function hostPath(host: string): string {
  const { namespace, name } = partsOf(host);
  return objectPath(hosts, namespace, name);
}

// What a kube-controller-manager does to our objects: collects those whose owners are gone, and empties namespaces
// that are being deleted, Secrets first. Acts a moment after what it saw, as the real one.
import type { Kernel } from "../../kernel/kernel.ts";
import type { Random } from "../../kernel/random.ts";
import type { KubernetesObject } from "../../world/events.ts";
import type { Caller } from "./admission.ts";
import type { ApiServer } from "./api-server.ts";
import type { Change, ObjectStore } from "./object-store.ts";
import { namespaces, objectPath, resourceOfKind, resources, secrets } from "./resources.table.ts";
import type { Resource } from "./resources.table.ts";

interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface ControllersOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly store: ObjectStore;
  readonly server: ApiServer;
  /** Whether a resource may be there at all. */
  readonly isKnown: (resource: Resource) => boolean;
  /** They act through the API server, too. */
  readonly isDown: () => boolean;
}

const collector: Caller = {
  by: "garbage collector",
  user: "system:serviceaccount:kube-system:generic-garbage-collector",
};
const lookAgainMs = 5_000;
const namespaced = [secrets, ...resources.filter((each) => each !== secrets && each.isNamespaced)];

export class Controllers {
  readonly #options: ControllersOptions;
  readonly #emptying = new Set<string>();
  readonly #namespaced: readonly Resource[];

  constructor(options: ControllersOptions) {
    this.#options = options;
    this.#namespaced = namespaced.filter(options.isKnown);
  }

  onChange({ resource, before, after, verb }: Change): void {
    const { metadata } = after;
    if (verb === "gone") this.#lookAtOwned(after);
    else if (metadata["ownerReferences"] !== before?.metadata["ownerReferences"]) {
      this.#soon(() => this.#collect(resource, after));
    }
    if (resource === namespaces && verb === "delete") void this.#empty(metadata.name);
  }

  #lookAtOwned({ metadata: { uid, namespace } }: KubernetesObject): void {
    for (const resource of this.#namespaced) {
      for (const object of this.#options.store.list(resource, namespace)) {
        if (ownersOf(object).some((owner) => owner.uid === uid)) {
          this.#soon(() => this.#collect(resource, object));
        }
      }
    }
  }

  /** With none of its owners left it is deleted; else it forgets those that are gone. */
  #collect(resource: Resource, { metadata: { name, namespace, uid } }: KubernetesObject): void {
    const { store, server } = this.#options;
    const path = objectPath(resource, namespace, name);
    const object = store.get(resource, path);
    if (object === undefined || object.metadata.uid !== uid) return;
    const owners = ownersOf(object);
    const left = owners.filter((owner) => this.#isThere(owner, namespace));
    if (left.length === owners.length) return;
    const preconditions = { uid };
    const body = { metadata: { uid, ownerReferences: left } };
    void server.handle(
      collector,
      left.length === 0
        ? { method: "DELETE", path, body: { preconditions } }
        : { method: "PATCH", patch: "merge", path, body },
    );
  }

  /** What is not known here counts as there. */
  #isThere(owner: OwnerReference, namespace: string | undefined): boolean {
    const resource = resourceOfKind(owner.apiVersion, owner.kind);
    if (resource === undefined) return true;
    const path = objectPath(resource, resource.isNamespaced ? namespace : undefined, owner.name);
    return this.#options.store.get(resource, path)?.metadata.uid === owner.uid;
  }

  /** Until nothing is left in it; what has finalizers stays until somebody removes them. */
  async #empty(namespace: string): Promise<void> {
    if (this.#emptying.has(namespace)) return;
    this.#emptying.add(namespace);
    const { kernel, store } = this.#options;
    while (!(await this.#sweep(namespace))) await kernel.sleep(lookAgainMs);
    this.#emptying.delete(namespace);
    const path = objectPath(namespaces, undefined, namespace);
    store.remove({ resource: namespaces, path, by: collector.by });
  }

  /** True: it is empty. */
  async #sweep(namespace: string): Promise<boolean> {
    const { kernel, random, store, server, isDown } = this.#options;
    for (const resource of this.#namespaced) {
      await kernel.sleep(random.between(10, 200));
      if (isDown()) return false;
      for (const { metadata } of store.list(resource, namespace)) {
        const path = objectPath(resource, namespace, metadata.name);
        await server.handle(collector, { method: "DELETE", path });
      }
    }
    return this.#namespaced.every((resource) => store.list(resource, namespace).length === 0);
  }

  #soon(run: () => void): void {
    const { kernel, random, isDown } = this.#options;
    kernel.timer(random.between(20, 1_500), () => {
      if (isDown()) this.#soon(run);
      else run();
    });
  }
}

function ownersOf({ metadata }: KubernetesObject): readonly OwnerReference[] {
  return (metadata["ownerReferences"] ?? []) as readonly OwnerReference[];
}

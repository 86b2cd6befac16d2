// What an API server holds, as etcd does: objects by path under one rising revision, and of each resource the newest
// changes, from which watches go on and older states can be seen. Checks nothing.
import type { Happened, KubernetesObject } from "../../world/events.ts";
import { received } from "./frozen-json.ts";
import { events as eventResource } from "./resources.table.ts";
import type { Resource } from "./resources.table.ts";

type ObjectEvent = Extract<Happened, { readonly kind: "object" }>;
export type By = ObjectEvent["by"];
export type Verb = ObjectEvent["verb"];

/** An object, or one that has no version yet. */
export interface Draft {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
    readonly [field: string]: unknown;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface Change {
  readonly resource: Resource;
  readonly path: string;
  readonly version: number;
  readonly atMs: number;
  readonly verb: Verb;
  readonly by: By;
  readonly before: KubernetesObject | undefined;
  /** Of "gone": the last form, with the version at which it went. */
  readonly after: KubernetesObject;
}

export interface Written {
  readonly resource: Resource;
  readonly path: string;
  readonly by: By;
  readonly verb: Verb;
}

export interface Snapshot {
  readonly version: number;
  readonly items: readonly KubernetesObject[];
}

export interface ObjectStoreOptions {
  readonly nowMs: () => number;
  /** Told of each change after it is stored. */
  readonly onChange: (change: Change) => void;
}

interface Collection {
  readonly objects: Map<string, KubernetesObject>;
  /** Newest last. */
  readonly changes: Change[];
  /** Version up to which changes are forgotten. */
  forgotten: number;
}

const mostChanges = 1_000;

export class ObjectStore {
  /** By path; Events are kept apart: there are many, and nobody reads them. */
  readonly objects: ReadonlyMap<string, KubernetesObject>;
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #collections = new Map<Resource, Collection>();
  readonly #options: ObjectStoreOptions;
  #version = 100;
  /** Watches of any resource have to begin here or later. */
  #begin = 0;
  #keep = mostChanges;

  constructor(options: ObjectStoreOptions) {
    this.#options = options;
    this.objects = this.#objects;
  }

  get version(): number {
    return this.#version;
  }

  get(resource: Resource, path: string): KubernetesObject | undefined {
    return this.#collection(resource).objects.get(path);
  }

  put({ resource, path, by, verb }: Written, draft: Draft): KubernetesObject {
    this.#version += 1;
    const { objects } = this.#collection(resource);
    const before = objects.get(path);
    const resourceVersion = String(this.#version);
    const metadata = { ...draft.metadata, resourceVersion };
    const after = received({ ...draft, metadata }) as KubernetesObject;
    objects.set(path, after);
    if (resource !== eventResource) this.#objects.set(path, after);
    this.#tell({ resource, path, by, verb, before, after });
    return after;
  }

  remove({ resource, path, by }: Omit<Written, "verb">): void {
    const { objects } = this.#collection(resource);
    const before = objects.get(path);
    if (before === undefined) return;
    this.#version += 1;
    objects.delete(path);
    this.#objects.delete(path);
    const metadata = { ...before.metadata, resourceVersion: String(this.#version) };
    const after = received({ ...before, metadata });
    this.#tell({ resource, path, by, verb: "gone", before, after });
  }

  /** All of a resource, or those of one namespace, in the order of their keys. */
  list(resource: Resource, namespace?: string): readonly KubernetesObject[] {
    return inOrder(this.#collection(resource).objects.values(), namespace);
  }

  /** As it was then, or as far back as changes are remembered. */
  listAt(resource: Resource, atMs: number): Snapshot {
    const { objects, changes } = this.#collection(resource);
    const older = new Map(objects);
    let at = changes.length;
    for (; at > 0 && changes[at - 1]!.atMs > atMs; at -= 1) {
      const { path, before } = changes[at - 1]!;
      if (before === undefined) older.delete(path);
      else older.set(path, before);
    }
    const next = changes[at];
    const version = next === undefined ? this.#version : next.version - 1;
    return { version, items: inOrder(older.values(), undefined) };
  }

  /** Changes after a version; undefined: they are forgotten. */
  changesSince(resource: Resource, version: number): readonly Change[] | undefined {
    const { changes, forgotten } = this.#collection(resource);
    if (version < Math.max(forgotten, this.#begin)) return undefined;
    return changes.filter((change) => change.version > version);
  }

  /** How many of the newest changes of each resource are remembered from now on. None: watches have to begin now. */
  keep(most = mostChanges): void {
    this.#keep = most;
    for (const resource of this.#collections.keys()) this.#trim(resource, most);
    if (most === 0) this.#begin = this.#version;
  }

  #trim(resource: Resource, keep: number): void {
    const collection = this.#collection(resource);
    const { changes } = collection;
    if (changes.length <= keep) return;
    const dropped = changes.splice(0, changes.length - keep);
    collection.forgotten = Math.max(collection.forgotten, dropped.at(-1)?.version ?? 0);
  }

  #tell(change: Omit<Change, "version" | "atMs">): void {
    const told = { ...change, version: this.#version, atMs: this.#options.nowMs() };
    const { changes } = this.#collection(change.resource);
    changes.push(told);
    // In steps, not at each change: dropping from the front moves all that stay.
    const slack = this.#keep < mostChanges ? 0 : mostChanges;
    if (changes.length > this.#keep + slack) this.#trim(change.resource, this.#keep);
    this.#options.onChange(told);
  }

  #collection(resource: Resource): Collection {
    const known = this.#collections.get(resource);
    if (known !== undefined) return known;
    const made: Collection = { objects: new Map(), changes: [], forgotten: 0 };
    this.#collections.set(resource, made);
    return made;
  }
}

function inOrder(
  objects: Iterable<KubernetesObject>,
  namespace: string | undefined,
): readonly KubernetesObject[] {
  const found = [...objects].filter(
    ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
  );
  return found.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

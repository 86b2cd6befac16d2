// A store with cluster-api in it: short words for what tests of the machine side do to it. Judges nothing.
import { flavours } from "../../../shared/machine/flavour.ts";
import type { MachineCommit, MachineRows } from "../../../control-plane/ports.ts";
import {
  machineResource,
  type FeedObject,
  type FeedResource,
} from "../../../shared/protocol/feed.ts";
import { hostObject, memoryOf, type StoreWorld } from "../../support/control-plane/store-world.ts";

interface Options {
  readonly namespace?: string;
  readonly owner?: { readonly kind: string; readonly uid: string; readonly name: string };
  readonly deletionTimestamp?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly more?: object;
}

/** uid and name are the same; version and cursor of each feed go on by themselves. */
export class MachineWorld {
  readonly world: StoreWorld;
  readonly epoch: number;
  readonly #cursors = new Map<FeedResource, string>([["baremetalhosts", "10"]]);
  #version = 100;

  private constructor(world: StoreWorld, epoch: number) {
    this.world = world;
    this.epoch = epoch;
  }

  /** Cluster "east" with every resource listed once. */
  static async start(world: StoreWorld): Promise<MachineWorld> {
    const { epoch } = await world.start();
    const machines = new MachineWorld(world, epoch);
    for (const resource of machineResource.options) {
      await machines.events(resource);
      await machines.list(resource);
    }
    return machines;
  }

  async events(
    resource: FeedResource,
    ...events: readonly { type: "ADDED" | "MODIFIED" | "DELETED"; object: FeedObject }[]
  ) {
    const from = this.#cursors.get(resource) ?? "?";
    const to = events.at(-1)?.object.metadata.resourceVersion ?? from;
    const outcome = await this.world.store.applyFeed(this.#sender, resource, {
      kind: "watch",
      fromResourceVersion: from,
      toResourceVersion: to,
      events: [...events],
    });
    this.#cursors.set(resource, outcome.cursor);
    return outcome;
  }

  async list(resource: FeedResource, ...items: readonly FeedObject[]) {
    const version = String(++this.#version);
    const outcome = await this.world.store.applyFeed(this.#sender, resource, {
      kind: "list",
      listId: `list-${version}`,
      resourceVersion: version,
      items: [...items],
      last: true,
    });
    this.#cursors.set(resource, outcome.cursor);
    return outcome;
  }

  async apply(resource: FeedResource, ...objects: readonly FeedObject[]) {
    return await this.events(
      resource,
      ...objects.map((object) => ({ type: "MODIFIED" as const, object })),
    );
  }

  object(uid: string, options: Options = {}): FeedObject {
    const { namespace = "metal", owner, deletionTimestamp, annotations, more = {} } = options;
    const resourceVersion = String(++this.#version);
    const ownerReferences = owner === undefined ? [] : [owner];
    return {
      metadata: {
        name: uid,
        namespace,
        uid,
        resourceVersion,
        ownerReferences,
        // Of a Metal3Machine; others have use for it.
        finalizers: [flavours.metal3machines.finalizer],
        ...(annotations === undefined ? {} : { annotations }),
        ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      },
      ...more,
    };
  }

  /** A Metal3Machine "m-…" of Machine "w-…" of Cluster "c", whose Metal3Cluster is "k". */
  async addMachines(...names: readonly string[]) {
    const clusterName = { more: { spec: { clusterName: "c" } } };
    const infrastructureRef = { kind: "Metal3Cluster", name: "k" };
    const owner = { kind: "Cluster", uid: "c", name: "c" };
    await this.apply(
      "clusters.cluster.x-k8s.io",
      this.object("c", { more: { spec: { infrastructureRef } } }),
    );
    await this.apply("metal3clusters", this.object("k", { owner }));
    await this.apply(
      "machines.cluster.x-k8s.io",
      ...names.map((name) => this.object(`w-${name}`, clusterName)),
    );
    return await this.apply(
      "metal3machines",
      ...names.map((name) => this.object(`m-${name}`, { owner: ownedBy(name) })),
    );
  }

  /** Hosts that are free. */
  async addHosts(...uids: readonly string[]): Promise<void> {
    await this.apply("baremetalhosts", ...uids.map((uid) => this.host(uid)));
    for (const uid of uids) await this.commitHost(uid, "available");
  }

  host(uid: string, more: object = {}): FeedObject {
    return hostObject(uid, String(++this.#version), more);
  }

  /** The machine rows to decide about. */
  async commitHost(uid: string, state: string, changes: object = {}): Promise<readonly string[]> {
    const commit = await this.world.commit(uid, { memory: memoryOf(state), ...changes });
    const done = await this.world.store.commitHost(commit);
    if (!done.ok) throw new Error(done.error.message);
    return done.value;
  }

  async rows(uid: string): Promise<MachineRows> {
    const rows = await this.world.store.loadMachine(uid);
    if (rows === undefined) throw new Error(`no machine ${uid}`);
    return rows;
  }

  async commit(uid: string, changes: Partial<MachineCommit> = {}): Promise<MachineCommit> {
    const { machine } = await this.rows(uid);
    return {
      uid,
      version: machine.version,
      memory: { status: {} },
      release: false,
      waiting: false,
      outbox: [],
      wakeAtMs: undefined,
      gone: false,
      ...changes,
    };
  }

  /** The machine rows to decide about. */
  async commitMachine(uid: string, changes: Partial<MachineCommit> = {}) {
    const done = await this.world.store.commitMachine(await this.commit(uid, changes));
    if (!done.ok) throw new Error(done.error.message);
    return done.value;
  }

  async claim(uid: string, ...candidates: readonly string[]) {
    const { machine } = await this.rows(uid);
    return await this.world.store.claimHost(uid, machine.version, candidates);
  }

  get #sender() {
    return { agentId: "both", epoch: this.epoch, cluster: "east" };
  }
}

export function ownedBy(name: string) {
  return { kind: "Machine", uid: `w-${name}`, name: `w-${name}` };
}

// Puts the cluster link together: one follower per resource, the Secrets, the write-back. A new session starts
// them anew with its own bearer; what they remember is on disk. Names no adapter.
import { toHex } from "../shared/bytes.ts";
import { factsText } from "../shared/protocol/facts/facts-digest.ts";
import {
  openShiftResource,
  usualResource,
  type FeedResource,
  type MachineResource,
} from "../shared/protocol/feed.ts";
import type { SiteKey, Welcome } from "../shared/protocol/frames.ts";
import type { WriteBack } from "../shared/protocol/write-back.ts";
import { makeFollowedHosts, type FollowedHosts } from "./cluster/followed-hosts.ts";
import { makeHub, type Hub } from "./cluster/hub.ts";
import {
  makeLeaseCheck,
  otherOperator,
  otherProvider,
  type LeaseCheck,
} from "./cluster/lease-check.ts";
import { addNodeOrder, awaitNodes, type NodeOrders } from "./cluster/nodes/await-nodes.ts";
import { followNodes, type FollowedNodes } from "./cluster/nodes/follow-nodes.ts";
import { linkNode, type LinkNode } from "./cluster/nodes/link-node.ts";
import { isNodeWrite, writeNode } from "./cluster/nodes/write-node.ts";
import { makeWorkloadClusters, type WorkloadClusters } from "./cluster/nodes/workload-clusters.ts";
import type { ConnectCluster, KubernetesApi } from "./cluster/port.ts";
import { makePostedFacts, type PostedFacts } from "./cluster/secrets/posted-facts.ts";
import { followSecrets, type FollowedSecrets } from "./cluster/secrets/follow-secrets.ts";
import { makeSecretVersions, type SecretVersions } from "./cluster/secrets/secret-versions.ts";
import { makeNewestSeen, type NewestSeen } from "./cluster/newest-seen.ts";
import type { ObjectMemory } from "./cluster/follow-deps.ts";
import { followResource } from "./cluster/watch.ts";
import { isOfClusterApi } from "./cluster/is-of-cluster-api.ts";
import type { WriteOutcome } from "./cluster/writes/write-attempt.ts";
import { ShownObjects } from "./cluster/shown-objects.ts";
import { writeBackTo } from "./cluster/writes/write-back.ts";
import type { Lease } from "./link/lease.ts";
import type { AgentDatabase, Clock, Crypto, HttpClient, Log } from "./ports.ts";

export interface ClusterPorts {
  readonly api: KubernetesApi;
  readonly connectCluster: ConnectCluster;
  readonly http: HttpClient;
  readonly database: AgentDatabase;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly lease: Pick<Lease, "isConfirmed">;
}

export interface ClusterOptions {
  readonly feedUrl: string;
  readonly caPem: string | undefined;
  readonly openShift: OpenShiftChoice | undefined;
}

/** What of OpenShift's machine side is Farrier's; without a choice another controller has it, or nobody. */
export type OpenShiftChoice = "machines" | "machines-and-machinesets";

const openShiftResources: Readonly<Record<OpenShiftChoice, readonly MachineResource[]>> = {
  machines: ["machines.machine.openshift.io"],
  "machines-and-machinesets": openShiftResource.options,
};

export interface RunningCluster {
  welcome(welcome: Welcome): void;
  sites(sites: readonly SiteKey[]): void;
  write(write: WriteBack): Promise<WriteOutcome>;
  stop(): void;
}

const tries = 5;
const retryMs = 1_000;
/** So many are read and written again without a pause; more would be a quarrel. */
const conflictsAtOnce = 2;
const leaseCheckMs = 5_000;
/** As one that was stopped for a while, and finds in its socket what was meant for then. */
const unconfirmed = "the control plane was not heard for 15 s, another process may write instead";

export function startCluster(ports: ClusterPorts, options: ClusterOptions): RunningCluster {
  return new ClusterLink(ports, options);
}

class ClusterLink implements RunningCluster {
  private readonly ports: ClusterPorts;
  private readonly options: ClusterOptions;
  private readonly posted: PostedFacts;
  private readonly versions: SecretVersions;
  private readonly hosts: FollowedHosts;
  private readonly clusters: WorkloadClusters;
  private readonly newest: NewestSeen;
  /** Since it follows. */
  private shown: ShownObjects;
  private readonly checkOperator: () => Promise<LeaseCheck>;
  private readonly checkProvider: () => Promise<LeaseCheck>;
  private session = new AbortController();
  /** Of the session: followed while nobody else leads. */
  private following: AbortController | undefined;
  /** Of what is followed: the kinds of cluster-api, while no other provider has them. */
  private providing: AbortController | undefined;
  /** The sentence about the provider that has them. */
  private rival: string | undefined;
  private startFollowing: (resource: FeedResource, signal: AbortSignal) => void = () => {};
  private obstacle: string | undefined = "the Leases of this cluster were not read yet";
  /** Of the session, since it follows. */
  private hub: Hub | undefined;
  /** Of OpenShift's Machines. */
  private nodes: FollowedNodes | undefined;
  /** Of machines of workload clusters. */
  private readonly nodeOrders: NodeOrders = new Map();
  private siteKeys: readonly SiteKey[] = [];
  private secrets: FollowedSecrets | undefined;

  constructor(ports: ClusterPorts, options: ClusterOptions) {
    this.ports = ports;
    this.options = options;
    this.posted = makePostedFacts(ports.database, ports.crypto);
    this.versions = makeSecretVersions(ports.database);
    this.newest = makeNewestSeen(ports.database);
    this.shown = new ShownObjects(this.newest);
    this.hosts = makeFollowedHosts(ports.database);
    this.clusters = makeWorkloadClusters(ports);
    this.checkOperator = makeLeaseCheck(ports.api, ports.clock, otherOperator);
    this.checkProvider = makeLeaseCheck(ports.api, ports.clock, otherProvider);
  }

  welcome(welcome: Welcome): void {
    this.stop();
    this.session = new AbortController();
    this.siteKeys = welcome.sites;
    this.compareFacts(welcome);
    const { cluster } = welcome;
    if (cluster !== undefined) void this.lead({ ...welcome, cluster }, this.session.signal);
  }

  /** Whatever the reason that the control plane has others: it gets all of them anew. */
  private compareFacts({ factsDigest }: Welcome): void {
    const hash = this.ports.crypto.hash("sha256");
    hash.update(new TextEncoder().encode(factsText(this.posted.all())));
    if (toHex(hash.digest()) !== factsDigest) this.posted.forgetAll();
  }

  sites(changed: readonly SiteKey[]): void {
    this.siteKeys = changed;
    this.secrets?.lookAgain();
  }

  /** Conflicts and short outages are ridden out here; longer ones go back to the control plane's outbox. */
  async write(write: WriteBack): Promise<WriteOutcome> {
    const { clock, log, lease } = this.ports;
    const { signal } = this.session;
    for (let left = tries; ; left--) {
      // A write of an ended session would come after those of the next.
      if (signal.aborted) return { ok: false, message: "the session ended", retry: true };
      if (!lease.isConfirmed()) return { ok: false, message: unconfirmed, retry: true };
      const { obstacle } = this;
      if (obstacle !== undefined) {
        await clock.sleep(retryMs, signal);
        return { ok: false, message: obstacle, retry: true };
      }
      const outcome = await this.tryWrite(write);
      if (outcome.ok) return outcome;
      if (!outcome.retry || left <= 1) {
        const { kind, uid } = write;
        log.warn("write-back failed", { kind, uid, reason: outcome.message });
        return outcome;
      }
      const isAtOnce = outcome.isConflict === true && left > tries - conflictsAtOnce;
      if (!isAtOnce) await clock.sleep(retryMs, signal);
    }
  }

  private async tryWrite(write: WriteBack): Promise<WriteOutcome> {
    const { ports, hub, clusters, versions } = this;
    const { api } = ports;
    if (this.providing === undefined && isOfClusterApi(write)) return this.unprovided();
    if (!this.isOurs(write)) return { ok: true };
    if (!isNodeWrite(write)) {
      return await writeBackTo(api, write, this.shown, (change) => versions.relabelled(change));
    }
    if (hub === undefined) return { ok: false, message: "nothing is followed yet", retry: true };
    if (write.kind === "remove-node") this.nodeOrders.delete(write.uid);
    if (write.kind === "link-node") {
      if (write.clusterName === undefined) this.nodes?.ordered(write);
      else addNodeOrder(this.nodeOrders, write, ports.clock.monotonicMs());
    }
    return await writeNode({ api, hub, clusters }, write);
  }

  /** Another provider's objects are its own; until it is known who leads nothing counts as done. */
  private unprovided(): WriteOutcome {
    return this.rival === undefined
      ? { ok: false, message: "the provider's Leases were not read yet", retry: true }
      : { ok: true };
  }

  /** What was followed before may still be decided about. */
  private isOurs(write: WriteBack): boolean {
    if (write.kind === "machine-set") return this.options.openShift === "machines-and-machinesets";
    if (!("resource" in write) || write.resource === undefined) return true;
    const resources: readonly MachineResource[] = [...usualResource.options, ...this.openShift()];
    return resources.includes(write.resource);
  }

  private openShift(): readonly MachineResource[] {
    const { openShift } = this.options;
    return openShift === undefined ? [] : openShiftResources[openShift];
  }

  stop(): void {
    this.hub = undefined;
    this.session.abort();
    this.unfollow();
    this.secrets = undefined;
  }

  /** Follows and writes only while nobody else leads; looks again and again. */
  private async lead(welcome: ClusterWelcome, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.ports;
    while (!signal.aborted) {
      const operator = await this.checkOperator();
      const provider = await this.checkProvider();
      if (signal.aborted) return;
      const unknown = [operator, provider].find((check) => check.kind === "unknown");
      if (operator.kind === "other") {
        log.error("another operator leads", { reason: operator.message });
        this.obstacle = operator.message;
        this.unfollow();
      } else if (unknown !== undefined) {
        // What was known before counts on.
        log.warn("leases not read", { reason: unknown.message });
      } else {
        this.obstacle = undefined;
        this.follow(welcome, signal);
        this.provide(provider);
      }
      await clock.sleep(unknown === undefined ? leaseCheckMs : retryMs, signal);
    }
  }

  private unfollow(): void {
    this.following?.abort();
    this.following = undefined;
    this.providing = undefined;
  }

  private provide(provider: LeaseCheck): void {
    const { following, providing } = this;
    if (following === undefined) return;
    if (provider.kind === "other") {
      if (provider.message !== this.rival)
        this.ports.log.warn("another provider leads", { reason: provider.message });
      this.rival = provider.message;
      providing?.abort();
      this.providing = undefined;
    } else if (providing === undefined) {
      this.rival = undefined;
      this.providing = new AbortController();
      const { signal } = this.providing;
      for (const resource of usualResource.options) this.startFollowing(resource, signal);
    }
  }

  private follow(welcome: ClusterWelcome, session: AbortSignal): void {
    if (this.following !== undefined) return;
    this.following = new AbortController();
    const signal = AbortSignal.any([session, this.following.signal]);
    const { cluster, sessionToken } = welcome;
    const { ports, hosts, posted, versions, newest } = this;
    const { feedUrl: url, caPem } = this.options;
    const hub = makeHub(ports.http, { url, cluster, sessionToken, caPem });
    this.hub = hub;
    const memory: ObjectMemory = {
      ...hosts,
      listed: (resource, uids, hadLost) => {
        const isOfHosts = resource === "baremetalhosts";
        // It has lost the facts, too.
        if (isOfHosts && hadLost) posted.forgetAll();
        hosts.listed(resource, uids, hadLost);
        if (isOfHosts) this.secrets?.lookAgain();
      },
    };
    this.shown = new ShownObjects(this.newest);
    const shownBy = { ...ports, api: this.shown.listeningTo(ports.api) };
    const hostSide = ["namespaces", "baremetalhosts", "hardwaredata"] as const;
    this.startFollowing = (resource, until) => {
      const both = AbortSignal.any([signal, until]);
      void followResource({ ...shownBy, hub, memory, newest }, resource, both);
    };
    for (const resource of [...hostSide, ...this.openShift()]) {
      this.startFollowing(resource, signal);
    }
    const { api, clock } = ports;
    const { clusters } = this;
    const link = async (order: LinkNode) => {
      clusters.forget(order.namespace, order.clusterName);
      return await linkNode({ api, hub, clusters }, order);
    };
    if (this.options.openShift !== undefined) {
      this.nodes = followNodes({ api, clock, link }, signal);
    }
    const linkSeen = (order: LinkNode) => linkNode({ api, hub, clusters }, order);
    void awaitNodes({ clock, clusters, link: linkSeen }, this.nodeOrders, signal);
    const sites = () => this.siteKeys;
    this.secrets = followSecrets(
      { ...ports, hub, hosts, posted, versions, cluster, sites },
      signal,
    );
  }
}

type ClusterWelcome = Welcome & { readonly cluster: string };

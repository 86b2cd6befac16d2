// The machine side's part of the store: rows of Metal3Machines, Metal3Clusters, and OpenShift's Machines and
// MachineSets; what a decision about one looks at, and what it writes.
import type { MachineMemory } from "../shared/machine/snapshot.ts";
import type { FeedObject } from "../shared/protocol/feed.ts";
import type { NodeFact } from "../shared/protocol/facts/node-fact.ts";
import type { ProviderResource } from "../shared/protocol/write-back.ts";
import type { Result } from "../shared/result.ts";
import type { HostRows, OutboxRow } from "./ports.ts";

/** An object that is decided about. */
export interface MachineRow {
  readonly uid: string;
  readonly cluster: string;
  readonly resource: ProviderResource;
  readonly namespace: string;
  readonly name: string;
  /** Compare-and-swap version of the row. */
  readonly version: number;
  /** The object as Kubernetes holds it, whole. */
  readonly object: FeedObject;
  readonly deleted: boolean;
  readonly memory: MachineMemory | undefined;
  /** The host that it has claimed: one machine at most has a host (unique in the database). */
  readonly hostUid: string | undefined;
  readonly node: NodeFact | undefined;
}

/** A host as the machine side reads it; JSON as stored, less what it has no use for. */
export interface MachineHostRow {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly deleted: boolean;
  readonly object: unknown;
  /** Absent: nothing was decided about it yet. Of one to choose from its state and its error alone. */
  readonly status: unknown;
  /** Of the claimed one only. */
  readonly systemUuid: string | undefined;
  /** Of the claimed one only: its power, if it is known and its BMC answers. */
  readonly isOn: boolean | undefined;
  readonly site: string | undefined;
  readonly claimedBy: string | undefined;
}

/** A Machine of OpenShift, as its MachineSet counts it: its metadata and its status. */
export interface MemberRow {
  readonly object: unknown;
  readonly node: NodeFact | undefined;
}

/** All rows that a snapshot of the machine side is made of. */
export interface MachineRows {
  readonly machine: MachineRow;
  /** False until every followed resource of the cluster, the machine side's included, was listed whole. */
  readonly feedsComplete: boolean;
  /** The Machine that owns it (by uid, kind Machine), as Kubernetes holds it; none for a Metal3Cluster. */
  readonly owner: unknown;
  /** The Cluster: of the owner's spec.clusterName; for a Metal3Cluster the one that owns it. */
  readonly coreCluster: unknown;
  /** The Metal3Cluster that the Cluster's infrastructureRef names. */
  readonly metal3Cluster: unknown;
  /** The Metal3MachineTemplate that it was made from. */
  readonly template: unknown;
  /** Names of the Machines of that Cluster; for a Metal3Cluster only. */
  readonly machines: readonly string[];
  /** The Machines of the namespace; for a MachineSet only. */
  readonly members: readonly MemberRow[];
  /**
   * Of what takes a host, the claimed one; or, without one, all of the namespace: of a Metal3Machine once it has its
   * finalizer and an owner, or is being deleted. Those, too, of a MachineSet that follows the hosts.
   */
  readonly hosts: readonly MachineHostRow[];
  readonly sites: HostRows["sites"];
}

/** Everything that one decision of the machine side writes, in one statement. */
export interface MachineCommit {
  readonly uid: string;
  readonly version: number;
  readonly memory: MachineMemory;
  /** Lets go of the host; wakes who waits for one. */
  readonly release: boolean;
  /** Waits for a host: woken when one of its namespace may have become free. */
  readonly waiting: boolean;
  readonly outbox: readonly OutboxRow[];
  readonly wakeAtMs: number | undefined;
  /** Remove the row, and with it the claim. */
  readonly gone: boolean;
}

export interface MachineStore {
  loadMachine(uid: string): Promise<MachineRows | undefined>;
  /**
   * Claims the first of the candidates (host uids) that no machine has, skipping those that another instance is just
   * claiming, and answers with it. A value of undefined: none is left. With a claim the row's version moves on by one,
   * and what was told of a Node is forgotten.
   */
  claimHost(
    uid: string,
    version: number,
    candidates: readonly string[],
  ): Promise<Result<MachineHostRow | undefined, "stale">>;
  /** The value: machine rows to decide about, since a host was let go. */
  commitMachine(commit: MachineCommit): Promise<Result<readonly string[], "stale">>;
  /** Facts about machines of other clusters, or unknown ones, are dropped. Returns the rows to decide about. */
  applyNodes(cluster: string, facts: readonly NodeFact[]): Promise<readonly string[]>;
  /** As restHost. */
  restMachine(uid: string, version: number): Promise<void>;
}

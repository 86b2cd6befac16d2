// A decision about a Metal3Machine or a Metal3Cluster. A wait names its wake time or what ends it.
import type { WriteBack } from "../protocol/write-back.ts";
import type { Because, Settled, Wait } from "../stop.ts";
import type { MachineMemory } from "./snapshot.ts";

/** What can end a wait that has no time of its own. */
export type MachineAwaited =
  | "object" // it, or its Machine, Cluster or Metal3Cluster, changes
  | "host" // the claimed host changes
  | "free-host" // a host of the namespace may have become free
  | "node" // the cluster link tells of the Node
  | "machines"; // Machines of the Cluster go

export type MachineNext =
  | Wait<MachineAwaited>
  | Settled
  /** The row goes. */
  | { readonly kind: "gone" };

export interface MachineDecision {
  readonly memory: MachineMemory;
  /**
   * Hosts (uids) to claim, best first: the first that no other machine holds is claimed in one statement, and the
   * decision is made again with it. Nothing else of this decision is written then.
   */
  readonly claim: readonly string[] | undefined;
  /** Lets go of the claimed host. */
  readonly release: boolean;
  /**
   * The status, finalizers and fields to write; idempotent, may be repeated until Kubernetes shows them. Of a machine's
   * host-patches, provider-patches and provider-statuses the newest replaces those that were not delivered yet.
   */
  readonly writes: readonly WriteBack[];
  readonly next: MachineNext;
  readonly because: Because;
}

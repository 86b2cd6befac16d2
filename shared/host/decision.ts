// A decision: what follows from a snapshot. It ends, commands, or waits; a wait names its wake time or the
// observation that ends it, so that nobody waits in the dark.
import type { BareMetalHostStatus } from "../metal3/bare-metal-host.ts";
import type { HostDocumentSpec } from "../protocol/host-document.ts";
import type { OperationPayload } from "../protocol/operation.ts";
import type { WriteBack } from "../protocol/write-back.ts";
import type { Because, Settled, Wait } from "../stop.ts";
import type { HostMemory } from "./snapshot.ts";

/** What can end a wait that has no time of its own. */
export type Awaited =
  | "spec" // the object changes
  | "secret" // a Secret changes
  | "site" // the site connects
  | "cluster" // the cluster link has caught up
  | "operation" // the running operation reports
  | "power" // the agent reports the power
  | "write-back" // Kubernetes shows what we wrote (finalizer, annotation gone)
  | "claim"; // another host lets go of a BMC or MAC

export type Next =
  | Wait<Awaited>
  | { readonly kind: "wait"; readonly awaited: readonly []; readonly wakeAtMs: number }
  | Settled
  /** The object is gone from Farrier: row, document and claims go. */
  | { readonly kind: "gone" };

export interface Command {
  readonly payload: OperationPayload;
  readonly class: "observe" | "converge" | "once";
  readonly validForMs: number;
}

/** A unique claim of a host at its site; the statement that commits the decision takes it or fails. */
export interface Claim {
  readonly kind: "bmc" | "mac";
  /** Normalised: endpoint and system id, or lower-case MAC. */
  readonly value: string;
}

export type EventWrite = Extract<WriteBack, { kind: "event" }>;

export interface Decision {
  readonly memory: HostMemory;
  /** The status to write to Kubernetes; undefined: it shows it already, or the host is paused. */
  readonly status: BareMetalHostStatus | undefined;
  /** What the agent shall keep of this host; undefined: nothing (unmanaged, no site). */
  readonly document: HostDocumentSpec | undefined;
  /**
   * The operation to start; only when none is running. Its id is `<uid>.<memory.operationCount>`, its
   * revision and allocation are the memory's, its attempt is `memory.attempt + 1`.
   */
  readonly command: Command | undefined;
  /** The operation to give up, if it has not passed its point of no return. */
  readonly cancel: string | undefined;
  /** Id of an ended operation that this decision has taken in. */
  readonly consumed: string | undefined;
  readonly claims: readonly Claim[];
  /** Writes besides the status. Idempotent; may be repeated until Kubernetes shows them. */
  readonly writes: readonly WriteBack[];
  readonly next: Next;
  readonly because: Because;
}

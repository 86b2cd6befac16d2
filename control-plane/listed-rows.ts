// What operators see of the store: rows of its listings.
import type { OperationView } from "../shared/host/snapshot.ts";
import type { AgentRow } from "./ports.ts";

export interface ListedAgent {
  readonly id: string;
  readonly state: AgentRow["state"];
  readonly site: string | null;
  readonly cluster: string | null;
  readonly hostname: string;
  readonly programVersion: string;
  readonly sealingFingerprint: string;
  readonly lastSeenMs: number | null;
  readonly holds: readonly string[];
}

export interface ListedHost {
  readonly uid: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly site: string | null;
  readonly state: string | null;
  readonly operationalStatus: string | null;
  readonly errorMessage: string | null;
  readonly poweredOn: boolean | null;
  readonly wakeAtMs: number | null;
  readonly operation: OperationView | null;
}

/** What takes hosts: Metal3Machines, Machines of OpenShift. */
export interface ListedMachine {
  readonly uid: string;
  readonly cluster: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly isDeleting: boolean;
  readonly wakeAtMs: number | null;
  /** The one that it has claimed. operation: what that waits for, for people. */
  readonly host: {
    readonly name: string;
    readonly state: string | null;
    readonly operation: string | null;
  } | null;
  /** Conditions that are False: why it is not ready, and since when. */
  readonly unmet: readonly {
    readonly type: string;
    readonly reason: string;
    readonly message: string;
    readonly lastTransitionTime: string;
  }[];
}

export interface ListedOperation {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly site: string;
  /** Taken in by a decision: history. */
  readonly consumed: boolean;
  readonly operation: OperationView;
}

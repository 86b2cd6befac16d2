// What the control plane needs of the world. The store is about fifteen named statements; every state change
// is ONE of them (compare-and-swap on the row's version), so that no backend death can half-apply it and a
// second, in-memory store stays small and honest.
import type { Claim } from "../shared/host/decision.ts";
import type { HostMemory, OperationView } from "../shared/host/snapshot.ts";
import type { FeedBatch, FeedObject, FeedResource } from "../shared/protocol/feed.ts";
import type { Delivery, SiteKey } from "../shared/protocol/frames.ts";
import type { Operation } from "../shared/protocol/operation.ts";
import type { Observation } from "../shared/protocol/observation.ts";
import type { SecretFact } from "../shared/protocol/secret-fact.ts";
import type { Result } from "../shared/result.ts";

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number;
  timer(ms: number, run: () => void): Timer;
}

/** Async, as WebCrypto is. */
export interface Crypto {
  /** Lower-case hex of `bytes` random bytes. */
  randomHex(bytes: number): string;
  sha256Hex(text: string): Promise<string>;
  /** Ed25519; keys and signatures raw. False for a malformed key too. */
  verify(publicKey: Uint8Array, signature: Uint8Array, data: Uint8Array): Promise<boolean>;
}

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One JSON line a decision or event: constant message, typed fields. Never a secret. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Who a link's rows are for. */
export type LinkName = `site:${string}` | `cluster:${string}`;

export interface HostRow {
  readonly uid: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  /** Compare-and-swap version of the row. */
  readonly version: number;
  /** The object as Kubernetes holds it, whole. */
  readonly object: FeedObject;
  readonly deleted: boolean;
  readonly site: string | undefined;
  readonly memory: HostMemory | undefined;
  readonly power: { readonly on: boolean; readonly atMs: number } | undefined;
  readonly bmcProblem: string | undefined;
}

/** All rows that a snapshot of one host is made of. */
export interface HostRows {
  readonly host: HostRow;
  readonly hardware: unknown;
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretFact[];
  readonly operation: OperationView | undefined;
  /** All sites, with the last sign of life of the link that holds their lease. */
  readonly sites: readonly { readonly name: string; readonly lastSeenMs: number | undefined }[];
}

export interface OutboxRow {
  readonly link: LinkName;
  /** A newer row with the same key replaces an undelivered older one; undefined: never replaced. */
  readonly key: string | undefined;
  readonly hostUid: string;
  readonly delivery: Delivery;
}

/** Everything that one decision writes, in one statement. */
export interface HostCommit {
  readonly uid: string;
  /** The version that the snapshot was taken from. */
  readonly version: number;
  readonly memory: HostMemory;
  readonly site: string | undefined;
  readonly claims: readonly Claim[];
  readonly operation:
    | (Operation & { readonly kind: string; readonly createdAtMs: number })
    | undefined;
  readonly cancel: string | undefined;
  readonly consumed: string | undefined;
  readonly outbox: readonly OutboxRow[];
  readonly wakeAtMs: number | undefined;
  /** Remove row, claims, operations and facts. */
  readonly gone: boolean;
}

/** "stale": somebody else committed first, take a new snapshot. "claimed": another host holds that claim. */
export type CommitError = "stale" | "claimed";

export interface HostStore {
  /** Stores the objects and moves the cursor in one statement. Conflict: nothing stored, the stored cursor. */
  applyFeed(
    cluster: string,
    epoch: number,
    resource: FeedResource,
    batch: FeedBatch,
  ): Promise<{
    readonly ok: boolean;
    readonly cursor: string;
    readonly touched: readonly string[];
  }>;
  applySecrets(cluster: string, facts: readonly SecretFact[]): Promise<readonly string[]>;
  loadHost(uid: string): Promise<HostRows | undefined>;
  commitHost(commit: HostCommit): Promise<Result<void, CommitError>>;
  /**
   * Folds observations into operations and hosts, and moves the watermark, in one statement; only items that
   * follow the watermark without a gap, from an agent with the current epoch, about hosts of its own site.
   */
  acceptObservations(
    agentId: string,
    bootId: string,
    epoch: number,
    items: readonly Observation[],
  ): Promise<{ readonly committedSeq: number; readonly touched: readonly string[] }>;
  /** Takes due hosts and pushes their wake time ahead by the lease (SKIP LOCKED). */
  takeDueHosts(nowMs: number, leaseMs: number, limit: number): Promise<readonly string[]>;
}

export interface AgentRow {
  readonly id: string;
  readonly state: "pending" | "approved" | "revoked" | "suspended";
  readonly site: string | undefined;
  readonly cluster: string | undefined;
  readonly signingKey: string;
  readonly sealingKey: string;
  readonly counter: number;
}

export interface LinkStore {
  loadAgent(agentId: string): Promise<AgentRow | undefined>;
  /** Bumps the epoch of the agent's links, records instance and boot id; undefined: the counter ran backwards. */
  openSession(session: {
    readonly agentId: string;
    readonly bootId: string;
    readonly counter: number;
    readonly instance: string;
    readonly tokenHash: string;
    readonly nowMs: number;
  }): Promise<{ readonly epoch: number; readonly committedSeq: number } | undefined>;
  /** False when a newer epoch exists. */
  renewLease(agentId: string, epoch: number, nowMs: number): Promise<boolean>;
  sessionOfToken(
    tokenHash: string,
  ): Promise<
    | {
        readonly agentId: string;
        readonly cluster: string | undefined;
        readonly site: string | undefined;
        readonly epoch: number;
      }
    | undefined
  >;
  /** Marks every unacknowledged row of the links as undelivered again: after a hello. */
  resetOutbox(links: readonly LinkName[]): Promise<void>;
  /** Undelivered rows in order, marked as sent under this epoch; nothing when the epoch is old. */
  takeOutbox(
    agentId: string,
    epoch: number,
    links: readonly LinkName[],
    limit: number,
  ): Promise<readonly { readonly id: string; readonly delivery: Delivery }[]>;
  ackOutbox(
    epoch: number,
    agentId: string,
    done: readonly string[],
    retry: readonly string[],
  ): Promise<void>;
  siteKeys(): Promise<readonly SiteKey[]>;
}

export interface AdminStore {
  addCluster(name: string, admissionTokenHash: string): Promise<void>;
  addSite(name: string): Promise<void>;
  addToken(token: {
    readonly hash: string;
    readonly site: string | undefined;
    readonly cluster: string | undefined;
    readonly expiresAtMs: number;
    readonly autoApprove: boolean;
  }): Promise<void>;
  /** Uses the token up and stores the agent in one statement. */
  enrol(agent: {
    readonly tokenHash: string;
    readonly id: string;
    readonly signingKey: string;
    readonly sealingKey: string;
    readonly hostname: string;
    readonly nowMs: number;
  }): Promise<Result<AgentRow, "unknown" | "used" | "expired">>;
  setAgentState(agentId: string, state: "approved" | "revoked"): Promise<boolean>;
  clusterOfAdmissionToken(hash: string): Promise<string | undefined>;
}

/** Wake-ups between instances. Losing one costs time (the sweep finds the rows), never a row. */
export interface Bus {
  /** After a commit; coalesced. */
  notify(links: readonly string[]): void;
  /** `undefined` = something may have been missed: look at everything. */
  onNotify(handle: (link: string | undefined) => void): void;
  /** "listen" when notifications are known to arrive, "poll" when they do not. */
  mode(): "listen" | "poll";
}

// The rows of the control plane's tables (migrations/), column by column, as `SELECT *` gives them to JavaScript:
// bigint and numeric columns are numbers and bigints here. Rows never change; a write replaces one.
import type { HostMemory } from "../../../shared/host/snapshot.ts";
import type { MachineMemory } from "../../../shared/machine/snapshot.ts";
import type { FeedObject } from "../../../shared/protocol/feed.ts";
import type { Delivery } from "../../../shared/protocol/frames.ts";
import type { HostDocument } from "../../../shared/protocol/host-document.ts";
import type {
  Operation,
  OperationFailure,
  OperationProgress,
  OperationResult,
  OperationState,
} from "../../../shared/protocol/operation.ts";
import type { NodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import type { SecretFact } from "../../../shared/protocol/facts/secret-fact.ts";
import type { ProviderResource } from "../../../shared/protocol/write-back.ts";
import type { AgentRow } from "../../../control-plane/ports.ts";

export interface NamedRow {
  readonly name: string;
  readonly added_at: number;
}

export interface ClusterRow extends NamedRow {
  readonly admission_hash: string;
}

export interface TokenRow {
  readonly hash: string;
  readonly site: string | null;
  readonly cluster: string | null;
  readonly auto_approve: boolean;
  readonly expires_at: number;
  readonly used_by: string | null;
}

export interface StoredAgentRow {
  readonly id: string;
  readonly state: AgentRow["state"];
  readonly site: string | null;
  readonly cluster: string | null;
  readonly signing_key: string;
  readonly sealing_key: string;
  readonly sealing_fingerprint: string;
  readonly hostname: string;
  readonly program_version: string;
  readonly counter: number;
  readonly boot_id: string;
  readonly enrolled_at: number;
}

export interface SessionRow {
  readonly agent_id: string;
  readonly epoch: number;
  readonly boot_id: string;
  readonly committed_seq: number;
  readonly turn: number;
  readonly token_hash: string;
  readonly instance: string;
  readonly program_version: string;
  readonly seen_at: number;
  readonly other_seen_at: number;
}

export interface LinkRow {
  readonly name: string;
  readonly agent_id: string;
  readonly epoch: number;
  readonly seen_at: number;
  readonly behind: boolean;
  readonly given_epoch: number;
  readonly given_turn: number;
  readonly others_seen_at: number;
}

export interface FeedRow {
  readonly cluster: string;
  readonly resource: string;
  readonly cursor: string;
}

export interface StoredHostRow {
  readonly uid: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly version: number;
  readonly object: FeedObject;
  readonly resource_version: bigint;
  readonly deleted: boolean;
  readonly list_id: string | null;
  readonly site: string | null;
  readonly memory: HostMemory | null;
  readonly document: HostDocument | null;
  readonly power_on: boolean | null;
  readonly power_at: number | null;
  readonly bmc_problem: string | null;
  readonly blocked: boolean;
  readonly wake_at: number | null;
  readonly machine_uid: string | null;
}

export interface StoredMachineRow {
  readonly uid: string;
  readonly cluster: string;
  readonly resource: ProviderResource;
  readonly namespace: string;
  readonly name: string;
  readonly version: number;
  readonly object: FeedObject;
  readonly resource_version: bigint;
  readonly deleted: boolean;
  readonly list_id: string | null;
  readonly memory: MachineMemory | null;
  readonly node: NodeFact | null;
  readonly waiting: boolean;
  readonly wake_at: number | null;
  readonly owner_uid: string | null;
}

export interface ObjectRow {
  readonly cluster: string;
  readonly resource: string;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: FeedObject;
  readonly resource_version: bigint;
  readonly list_id: string | null;
}

export interface SecretFactRow {
  readonly host_uid: string;
  readonly purpose: string;
  readonly fact: SecretFact;
}

export interface ClaimRow {
  readonly site: string;
  readonly kind: "bmc" | "mac";
  readonly value: string;
  readonly host_uid: string;
}

export interface OperationRow {
  readonly id: string;
  readonly host_uid: string;
  readonly site: string;
  readonly kind: Operation["payload"]["kind"];
  readonly class: Operation["class"];
  readonly operation: Operation;
  readonly state: OperationState;
  readonly cancelled: boolean;
  readonly consumed: boolean;
  readonly agent_id: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly progress: OperationProgress | null;
  readonly result: OperationResult | null;
  readonly failure: OperationFailure | null;
}

export interface StoredOutboxRow {
  readonly id: number;
  readonly link: string;
  readonly key: string | null;
  readonly host_uid: string;
  readonly delivery: Delivery;
  readonly sent_epoch: number;
  readonly tries: number;
  readonly retry_at: number;
}

export interface Rows {
  readonly clusters: ClusterRow;
  readonly sites: NamedRow;
  readonly tokens: TokenRow;
  readonly agents: StoredAgentRow;
  readonly sessions: SessionRow;
  readonly links: LinkRow;
  readonly feeds: FeedRow;
  readonly machine_feeds: FeedRow;
  readonly hosts: StoredHostRow;
  readonly machines: StoredMachineRow;
  readonly objects: ObjectRow;
  readonly secret_facts: SecretFactRow;
  readonly claims: ClaimRow;
  readonly operations: OperationRow;
  readonly outbox: StoredOutboxRow;
}

export type TableName = keyof Rows;
export type Tables = { readonly [T in TableName]: Map<string, Rows[T]> };

export function emptyTables(): Tables {
  return {
    clusters: new Map(),
    sites: new Map(),
    tokens: new Map(),
    agents: new Map(),
    sessions: new Map(),
    links: new Map(),
    feeds: new Map(),
    machine_feeds: new Map(),
    hosts: new Map(),
    machines: new Map(),
    objects: new Map(),
    secret_facts: new Map(),
    claims: new Map(),
    operations: new Map(),
    outbox: new Map(),
  };
}

/** Joins the columns of a primary key or an index; none of them holds a line feed. */
export function keyOf(...columns: readonly string[]): string {
  return columns.join("\n");
}

// What the control plane needs of the world. The store is a small set of named statements; every state change
// is ONE of them (compare-and-swap on the row's version), so that no backend death can half-apply it and no
// transaction is ever open across anything but the database.
import type { Claim } from "../shared/host/decision.ts";
import type { HostMemory, OperationView } from "../shared/host/snapshot.ts";
import type { FeedBatch, FeedObject, FeedResource } from "../shared/protocol/feed.ts";
import type { Delivery, SiteKey } from "../shared/protocol/frames.ts";
import type { HostDocument } from "../shared/protocol/host-document.ts";
import type { Observation } from "../shared/protocol/observation.ts";
import type { Operation } from "../shared/protocol/operation.ts";
import type { FactName } from "../shared/protocol/facts/facts-digest.ts";
import type { SecretFact } from "../shared/protocol/facts/secret-fact.ts";
import type { Result } from "../shared/result.ts";
import type { ListedAgent, ListedHost, ListedMachine, ListedOperation } from "./listed-rows.ts";
import type { MachineStore } from "./machine-store.ts";

export type { ListedAgent, ListedHost, ListedMachine, ListedOperation };

export type {
  MachineCommit,
  MachineHostRow,
  MachineRow,
  MachineRows,
  MachineStore,
} from "./machine-store.ts";

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
  /** Of the text's UTF-8. */
  sha256Hex(text: string): Promise<string>;
  /** Ed25519; keys and signatures raw. False for a malformed key too. */
  verify(
    publicKey: Uint8Array<ArrayBuffer>,
    signature: Uint8Array<ArrayBuffer>,
    data: Uint8Array<ArrayBuffer>,
  ): Promise<boolean>;
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
  /** Undefined: no decision was made about it yet. */
  readonly memory: HostMemory | undefined;
  readonly power: { readonly on: boolean; readonly atMs: number } | undefined;
  readonly bmcProblem: string | undefined;
}

/** All rows that a snapshot of one host is made of. */
export interface HostRows {
  readonly host: HostRow;
  /** False until every followed resource of the cluster was listed whole: nothing is decided on half a picture. */
  readonly feedsComplete: boolean;
  /** False while the feed has not brought the host's namespace, whose annotation may name a site. */
  readonly namespaceKnown: boolean;
  /** The HardwareData object of the same name. */
  readonly hardware: unknown;
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretFact[];
  readonly operation: OperationView | undefined;
  /** All sites, with the last sign of life of the link that holds their lease. */
  readonly sites: readonly { readonly name: string; readonly lastSeenMs: number | undefined }[];
  /** Of the host's cluster; undefined: none was ever there. */
  readonly clusterLink: { readonly lastSeenMs: number; readonly behind: boolean } | undefined;
  /** For a host that holds no machine yet; none for any other. */
  readonly elders: readonly Elder[];
}

/** A host that this database has no memory of, and whose status shows that it holds a machine. */
export interface Elder {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly site: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
  readonly bmcAddress: string;
  readonly bootMACAddress: string;
}

export interface OutboxRow {
  readonly link: LinkName;
  /** A newer row of the same key replaces an older one; an equal one is not repeated. Undefined: always added. */
  readonly key: string | undefined;
  readonly hostUid: string;
  readonly delivery: Delivery;
}

export interface NewOperation {
  readonly site: string;
  readonly createdAtMs: number;
  readonly operation: Operation;
}

/** Everything that one decision writes, in one statement. */
export interface HostCommit {
  readonly uid: string;
  /** The version that the snapshot was taken from. */
  readonly version: number;
  readonly memory: HostMemory;
  readonly site: string | undefined;
  /** What the site shall hold; undefined: nothing. Sent again when an agent has lost it. */
  readonly document: HostDocument | undefined;
  /** Need a site. Claims that are not named are let go; undefined: those held stay, none is added. */
  readonly claims: readonly Claim[] | undefined;
  /** Waits for a claim of another host. */
  readonly blocked: boolean;
  readonly operation: NewOperation | undefined;
  readonly cancel: string | undefined;
  readonly consumed: string | undefined;
  readonly outbox: readonly OutboxRow[];
  readonly wakeAtMs: number | undefined;
  /** Remove row, claims, operations and facts. */
  readonly gone: boolean;
}

/**
 * "stale": somebody else committed first, take a new snapshot. "claimed": another host holds a claim; the
 * message names it, and the other host only where both are in one namespace.
 */
export type CommitError = "stale" | "claimed";

/** Who posts a feed: a session, fenced by its epoch. */
export interface FeedSender {
  readonly agentId: string;
  readonly epoch: number;
  readonly cluster: string;
}

export interface FeedOutcome {
  /** "conflict": not from where the cursor stands. "fenced": the session does not act for the cluster (any more). */
  readonly kind: "stored" | "conflict" | "fenced";
  readonly cursor: string;
  /** Hosts to decide about. */
  readonly touched: readonly string[];
  /** Machine rows to decide about. */
  readonly machines: readonly string[];
  /** Objects whose uid another cluster has: not stored. */
  readonly foreign: number;
}

export interface HostStore {
  /** Stores the objects and moves the cursor in one statement; a conflict stores nothing. */
  applyFeed(sender: FeedSender, resource: FeedResource, batch: FeedBatch): Promise<FeedOutcome>;
  /** Facts about hosts of other clusters, or unknown ones, are dropped. Returns the others' hosts, to decide about. */
  applySecrets(cluster: string, facts: readonly SecretFact[]): Promise<readonly string[]>;
  loadHost(uid: string): Promise<HostRows | undefined>;
  /** The value: machine rows to decide about, since the host's state, error or power is another, or it became free. */
  commitHost(commit: HostCommit): Promise<Result<readonly string[], CommitError>>;
  /**
   * Folds observations into operations and hosts and moves the watermark, in one statement; only from an agent's
   * current epoch, only items above the watermark, only about hosts and operations of the agent's own site.
   * A turn. Undefined: the epoch is not current, or had other turns than this.
   */
  acceptObservations(
    sender: {
      readonly agentId: string;
      readonly epoch: number;
      readonly turn?: number | undefined;
    },
    items: readonly Observation[],
  ): Promise<
    | {
        readonly committedSeq: number;
        readonly touched: readonly string[];
        /** Items that named a host or operation that is not this site's. */
        readonly refused: number;
      }
    | undefined
  >;
  /**
   * It becomes as a host that was never known, less its site and its claims, unless the version has moved on. Returns
   * the machine that had it, to decide about.
   */
  forgetHost(uid: string, version: number): Promise<readonly string[]>;
  /** Nothing to decide until something changes: no wake time, unless the version has moved on. */
  restHost(uid: string, version: number): Promise<void>;
  /**
   * Takes due hosts, and due rows of the machine side, at most `limit` of each, and pushes their wake times ahead, so
   * that a crashed taker costs that time and no more.
   */
  takeDue(leaseMs: number, limit: number): Promise<DueUids>;
}

export interface DueUids {
  readonly hosts: readonly string[];
  readonly machines: readonly string[];
}

export interface AgentRow {
  readonly id: string;
  readonly state: "pending" | "approved" | "revoked" | "suspended";
  readonly site: string | undefined;
  readonly cluster: string | undefined;
  readonly signingKey: string;
}

/** A session as it was opened, with all links of its agent. */
export interface OpenedSession {
  readonly epoch: number;
  readonly committedSeq: number;
  readonly site: string | undefined;
  readonly cluster: string | undefined;
  /** All documents and open operations of the site were queued again: the agent does not hold what it should. */
  readonly resync: boolean;
  /** Hosts to decide about: the site was away, or work was lost with its agent. */
  readonly touched: readonly string[];
  /** The hello proved that this database went back in time: the hosts of its links were forgotten. */
  readonly regressed: boolean;
  /** Another process of the agent had the session, and did not end in order: it may still be at work. */
  readonly afterAnother: boolean;
  /**
   * When another process of the agent, or another agent, was heard last that had the site and was given operations which
   * this one has not heard of; 0: none.
   */
  readonly othersSeenAtMs: number;
  /** Of the operations in flight: those that count as ended here. */
  readonly over: readonly string[];
}

/**
 * How many statements of a session have taken effect, each a turn. They follow each other: where the database knows of
 * another count, it went back in time.
 */
export interface SessionTurn {
  readonly agentId: string;
  readonly count: number;
}

export type OpeningError = "superseded" | "cloned" | "standby" | "occupied";

export interface LinkStore {
  loadAgent(agentId: string): Promise<AgentRow | undefined>;
  /**
   * Bumps the epoch and takes the agent's links. "superseded": a later hello of the same boot came first. "cloned":
   * the counter ran backwards; the agent is suspended until approved again. "standby": another agent acts for the
   * site or the cluster; try again later. "occupied": so does an earlier process of this agent, which may still hold
   * its lease where it cannot be told. An agent that has heard more than this database knows gets its links anyway, and
   * what is believed about their hosts is forgotten: they are taken over anew.
   */
  openSession(session: {
    readonly agentId: string;
    readonly bootId: string;
    readonly counter: number;
    readonly instance: string;
    readonly tokenHash: string;
    readonly programVersion: string;
    readonly documentsDigest: string;
    /** Operations that the agent has, or whose end it has still to tell; undefined: it does not say. */
    readonly inFlight?: readonly string[] | undefined;
    /** hello.heard */
    readonly heard?: { readonly epoch: number; readonly turn: number } | undefined;
    /** Whether its cluster link, if it was away, counts as behind until `catchUp`. */
    readonly tellsCaughtUp?: boolean | undefined;
  }): Promise<Result<OpenedSession, OpeningError>>;
  /**
   * A sign of life, and a turn. "fenced": a newer epoch exists, or the session had more turns than this. "revoked": the agent may not act any more. "lost": one of the
   * session's `links` was taken by another agent. "beside": held, but another process of the agent had it, or asked for it, a
   * while ago, and may be at work.
   */
  renewLease(renewal: {
    readonly agentId: string;
    readonly epoch: number;
    readonly turn?: number | undefined;
    readonly links: number;
  }): Promise<"held" | "beside" | "fenced" | "revoked" | "lost">;
  /** All work of the session's agent has ended: its next process is not "occupied". */
  endSession(session: { readonly agentId: string; readonly epoch: number }): Promise<void>;
  /**
   * The cluster link is behind no more, if it was. What may have waited for that: hosts, to decide about, and sites with
   * operations to take.
   */
  catchUp(sender: FeedSender): Promise<{
    readonly hosts: readonly string[];
    readonly sites: readonly string[];
  }>;
  sessionOfToken(tokenHash: string): Promise<FeedSender | undefined>;
  /**
   * Undelivered rows in order, marked as sent under this epoch: a turn if there are any. Documents come first, and then
   * what is urgent: writes that the machine side waits for, up to the limit beside that of the others. undefined: the
   * epoch does not hold the links, or had other turns than this. Operations that are new to their site, and do more than
   * look, are not taken while the host's cluster link is away or behind, nor are removals of annotations while the link
   * is behind.
   */
  takeOutbox(
    session: {
      readonly epoch: number;
      readonly links: readonly LinkName[];
      readonly turn?: SessionTurn | undefined;
    },
    limit: number,
    only?: "urgent" | "but-events",
  ): Promise<readonly { readonly id: string; readonly delivery: Delivery }[] | undefined>;
  /** Removes rows that are done, gives back those to be tried again; returns the shortest wait of those (ms). */
  ackOutbox(
    session: { readonly epoch: number; readonly links: readonly LinkName[] },
    acks: { readonly done: readonly string[]; readonly retry: readonly string[] },
  ): Promise<number | undefined>;
  siteKeys(): Promise<readonly SiteKey[]>;
  /** What is stored of the Secrets that hosts of a cluster name. */
  knownFacts(cluster: string): Promise<readonly FactName[]>;
}

export type EnrolError = "unknown" | "used" | "expired";

export interface AdminStore {
  /** False: the name is taken. */
  addCluster(name: string, admissionHash: string): Promise<boolean>;
  /** Wakes the hosts that have no site. */
  addSite(name: string): Promise<boolean>;
  /** False: the site or cluster does not exist. */
  addToken(token: {
    readonly hash: string;
    readonly site: string | undefined;
    readonly cluster: string | undefined;
    readonly ttlMs: number;
    readonly autoApprove: boolean;
  }): Promise<boolean>;
  /** Uses the token up and stores the agent in one statement; the same agent's repetition gets the same answer. */
  enrol(agent: {
    readonly tokenHash: string;
    readonly id: string;
    readonly signingKey: string;
    readonly sealingKey: string;
    readonly sealingFingerprint: string;
    readonly hostname: string;
    readonly programVersion: string;
  }): Promise<Result<AgentRow, EnrolError>>;
  setAgentState(agentId: string, state: "approved" | "revoked"): Promise<boolean>;
  clusterOfAdmissionToken(hash: string): Promise<string | undefined>;
  listClusters(): Promise<readonly { readonly name: string; readonly lastSeenMs: number | null }[]>;
  listSites(): Promise<readonly { readonly name: string; readonly lastSeenMs: number | null }[]>;
  listAgents(): Promise<readonly ListedAgent[]>;
  /** In order of cluster, namespace and name, at most 1000 from after the given host's place. */
  listHosts(filter: {
    readonly cluster: string | undefined;
    readonly site: string | undefined;
    readonly afterUid: string | undefined;
  }): Promise<readonly ListedHost[]>;
  /** As listHosts. */
  listMachines(filter: {
    readonly cluster: string | undefined;
    readonly afterUid: string | undefined;
  }): Promise<readonly ListedMachine[]>;
  /** Newest first, at most 1000; of one host, or all. */
  listOperations(filter: {
    readonly hostUid: string | undefined;
    readonly openOnly: boolean;
  }): Promise<readonly ListedOperation[]>;
  /** Removes operations and tokens that nobody will ask for any more. */
  prune(): Promise<void>;
}

/** What surrounds a host that may not be stored yet. */
export interface Surroundings {
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
  readonly site: string | undefined;
  readonly sites: HostRows["sites"];
  readonly secrets: readonly SecretFact[];
  readonly memory: HostMemory | undefined;
  readonly hardware: unknown;
}

export interface Claimant {
  readonly claim: Claim;
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
}

/** What admission asks; read only. */
export interface FleetStore {
  surroundings(host: {
    readonly cluster: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string | undefined;
  }): Promise<Surroundings>;
  /** Other hosts that hold one of the claims at the site. */
  claimants(
    site: string,
    claims: readonly Claim[],
    exceptUid: string | undefined,
  ): Promise<readonly Claimant[]>;
}

export type Store = FleetStore & HostStore & MachineStore & LinkStore & AdminStore;

/** Wake-ups between instances. Losing one costs time (the sweep finds the rows), never a row. */
export interface Bus {
  /** After a commit; coalesced, the more where it is enough that they hear it soon. Topics: link names, "agent:<id>", "sites". */
  notify(topics: readonly string[], when?: "now" | "soon"): void;
  /** `undefined` = something may have been missed: look at everything. */
  onNotify(handle: (topic: string | undefined) => void): void;
  /** "listen" when notifications are known to arrive, "poll" when they do not. */
  mode(): "listen" | "poll";
}

/** LISTEN and NOTIFY of one database. */
export interface Notifications {
  /** `onReady` is called at each (re)connection: what was sent in between is lost. */
  listen(
    channel: string,
    onMessage: (payload: string) => void,
    onReady: () => void,
  ): Promise<() => Promise<void>>;
  notify(channel: string, payload: string): Promise<void>;
}

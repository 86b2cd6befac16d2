// A scenario: everything that will be done to the fleet and everything that will go wrong, as data, drawn from the seed
// before the run. Removing an entry changes nothing else: that is what makes a failure shrinkable, and a corpus file
// good for years. The kernel's draws (order of events, delays) come from `seed` and stay as they are.

export const scenarioVersion = 1;

export interface Scenario {
  readonly version: typeof scenarioVersion;
  readonly seed: number;
  /** Where from: "happy" without faults, "single" with one class, "swarm" with a random set. */
  readonly profile: "happy" | "single" | "swarm" | "written";
  readonly tier: "memory" | "pglite";
  /** Virtual ms in which commands and faults happen (phase 1); then everything is healed. */
  readonly faultsMs: number;
  /** Virtual ms that the healed fleet gets to converge (phase 2). */
  readonly settleMs: number;
  readonly instances: number;
  readonly clusters: readonly ClusterPlan[];
  readonly sites: readonly SitePlan[];
  readonly machines: readonly MachinePlan[];
  readonly images: readonly ImagePlan[];
  readonly commands: readonly Command[];
  readonly faults: readonly Fault[];
}

export interface ClusterPlan {
  readonly name: string;
  /** The site whose agent is also this cluster's link; undefined: an agent of its own. */
  readonly site: string | undefined;
  /** The core of cluster-api is at work in it. */
  readonly hasClusterApi?: boolean;
  /** It has OpenShift's Machines and MachineSets, which Farrier keeps. */
  readonly hasOpenShift?: boolean;
}

/** The guard file of a site's operator. */
export interface GuardPlan {
  readonly hostsPer10Minutes: number | undefined;
  /** Names of machines that nobody may touch. */
  readonly protects: readonly string[];
}

export interface SitePlan {
  readonly name: string;
  /** Clock error of its agent, ms, and its drift, parts per million. */
  readonly skewMs: number;
  readonly driftPpm: number;
  readonly guard?: GuardPlan | undefined;
}

export interface MachinePlan {
  readonly name: string;
  readonly site: string;
  readonly firmware: "BIOS" | "UEFI";
  readonly cipherSuite: 3 | 17;
  /** Index of the disk that is root when hints say nothing is left to the order. */
  readonly disks: readonly { readonly serialNumber: string; readonly sizeBytes: number }[];
  /** "old": an operating system of former times is on its first disk. */
  readonly content: "empty" | "old";
  readonly bootOrder: readonly ("disk" | "network")[];
  /** Names of the oddities in world/quirks.table.ts. */
  readonly quirks: readonly string[];
  /** Kernel names of the disks are dealt anew at each boot. */
  readonly shuffledDisks: boolean;
}

export interface ImagePlan {
  readonly name: string;
  readonly format: "raw" | "qcow2";
  readonly sizeBytes: number;
  /** What is odd about its server. */
  readonly server?: ImageServerPlan;
}

export interface ImageServerPlan {
  readonly redirect?: "same host" | "other host";
  /** What it says of a file for those who come for the rest of it. */
  readonly etag?: "weak" | "none";
  readonly ranges?: false;
}

/** What people, pipelines and other controllers do. `host` as "cluster/namespace/name". */
export type Command = { readonly atMs: number } & (
  | {
      readonly kind: "create-host";
      readonly host: string;
      readonly machine: string;
      readonly spec: Readonly<Record<string, unknown>>;
      readonly annotations?: Readonly<Record<string, string>>;
      readonly userData?: string;
    }
  /** JSON merge patch of spec. `image` as {name} stands for the whole image of that name. */
  | {
      readonly kind: "patch-spec";
      readonly host: string;
      readonly patch: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: "annotate";
      readonly host: string;
      readonly annotation: string;
      /** null: removed. */
      readonly value: string | null;
    }
  | {
      readonly kind: "dry-run-patch";
      readonly host: string;
      readonly patch: Readonly<Record<string, unknown>>;
    }
  /** Passes our webhook and is refused by another one afterwards. */
  | {
      readonly kind: "rejected-patch";
      readonly host: string;
      readonly patch: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "delete-host"; readonly host: string }
  | { readonly kind: "remove-finalizer"; readonly host: string }
  | { readonly kind: "delete-namespace"; readonly cluster: string; readonly namespace: string }
  /** The BMC gets a new password; the Secret follows `lagMs` later. */
  | {
      readonly kind: "change-password";
      readonly machine: string;
      readonly host: string;
      readonly lagMs: number;
    }
  /** The Secret gets a wrong password, and the right one `lagMs` later. */
  | { readonly kind: "wrong-secret"; readonly host: string; readonly lagMs: number }
  | { readonly kind: "delete-secret"; readonly host: string; readonly lagMs: number }
  /** Another controller wants a host, from a cache that is `staleMs` old: consumerRef, image, online. */
  | {
      readonly kind: "claim";
      readonly cluster: string;
      readonly namespace: string;
      readonly claimer: string;
      readonly image: string;
      readonly staleMs: number;
    }
  | {
      readonly kind: "release";
      readonly cluster: string;
      readonly namespace: string;
      readonly claimer: string;
      readonly staleMs: number;
    }
  /** A MachineSet without Machines; in cluster-api with a Cluster of the same name. */
  | {
      readonly kind: "create-machine-set";
      readonly set: string;
      readonly image: string;
      readonly hostSelector?: Readonly<Record<string, unknown>>;
    }
  /** `set` as "cluster/namespace/name". */
  | { readonly kind: "scale"; readonly set: string; readonly replicas: number }
  /** One Machine of the set: another one takes its place. */
  | { readonly kind: "delete-machine"; readonly set: string }
  /** In cluster-api its Cluster, and with it everything. */
  | { readonly kind: "delete-machine-set"; readonly set: string }
  /** Somebody wants one Machine of OpenShift to be the first to go. */
  | { readonly kind: "mark-machine"; readonly set: string }
  /** Somebody has it wait with that for `lagMs`. */
  | {
      readonly kind: "hook-machine";
      readonly set: string;
      readonly hook: "preDrain" | "preTerminate";
      readonly lagMs: number;
    }
  /** Somebody presses the power button. */
  | { readonly kind: "power-button"; readonly machine: string }
  /** Who has the machine for himself installs a system on its first disk, if its host is externally provisioned by then. */
  | { readonly kind: "install-system"; readonly machine: string }
);

export const faultClasses = [
  // Wide area network
  "wan-partition",
  "wan-one-way",
  "wan-delay",
  "wan-cut-links",
  "frame-duplicated",
  "frame-garbled",
  "feed-answer-lost",
  // Control plane and database
  "control-plane-crash",
  "control-plane-stop",
  "database-down",
  "database-error-before-commit",
  "database-error-after-commit",
  "database-slow",
  "database-restored",
  "notification-lost",
  "notifications-deaf",
  // Site agent
  "agent-crash",
  "agent-crash-at-call",
  "agent-paused",
  "agent-cloned",
  "agent-clock-jump",
  "agent-disk-full",
  // Kubernetes
  "api-server-restart",
  "api-watch-window",
  "api-watch-stalled",
  "api-conflict",
  "api-throttled",
  "api-stale-list",
  "webhook-unreachable",
  // BMC
  "bmc-hangs",
  "bmc-restarts",
  "bmc-loses-packets",
  "bmc-does-nothing",
  "bmc-cached-power",
  "bmc-ignores-boot-device",
  "bmc-sessions-full",
  "bmc-flaps",
  // Boot network, machines, disks, images
  "network-loss",
  "network-duplicates",
  "rogue-dhcp",
  "rogue-client",
  "machine-power-loss",
  "ramdisk-dies",
  "disk-error",
  "disk-renamed",
  "swapped-machine",
  "image-changes",
  "image-truncated",
  "image-stalls",
  "image-missing",
  // Last, so that older seeds keep what they draw.
  "agent-stop",
  "board-replaced",
  "agent-revoked",
] as const;
export type FaultClass = (typeof faultClasses)[number];

/** Of the world, at which a fault may strike. */
export const moments = [
  "power-cut",
  "ramdisk-runs",
  "disk-changes",
  "status-written",
  "host-gone",
] as const;
export type Moment = (typeof moments)[number];

export interface Struck {
  readonly moment: Moment;
  /** A site, machine or cluster; anything else: wherever it is. */
  readonly place: string;
  /** After the moment. */
  readonly delayMs: number;
}

export interface Fault {
  readonly fault: FaultClass;
  readonly atMs: number;
  /** When it ends; the same as `atMs` for what happens at once. */
  readonly untilMs: number;
  /** A site, machine, instance ("control-plane:0"), cluster or image, as the class wants. */
  readonly target: string;
  /** Probability, count, or ms: as the class says. */
  readonly amount: number;
  /** It begins at the first such moment after `atMs`, and lasts as long. */
  readonly struck?: Struck;
}

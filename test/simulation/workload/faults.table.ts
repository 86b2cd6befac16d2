// Every class of fault: what of the catalogue of faults it stands for, what it is aimed at, how long it lasts, what
// its amount means and where it lies. Says nothing about how the world does it.
import type { FaultClass, Moment } from "./scenario.ts";

/**
 * "agent": a site, or a cluster that has an agent of its own. "pair": two machines of one site as "m3+m7".
 * "database": the only one.
 */
export type FaultTarget =
  | "agent"
  | "cluster-link"
  | "instance"
  | "database"
  | "cluster"
  | "site"
  | "machine"
  | "pair"
  | "image";

export interface FaultKind {
  /** Ids of the catalogue of faults that it stands for. */
  readonly ids: readonly string[];
  readonly target: FaultTarget;
  /** How often in a run that has it, at most; drawn between 1 and this. */
  readonly most: number;
  /** From, to; undefined: it happens at once, `untilMs` is `atMs`. */
  readonly lastsMs?: readonly [number, number];
  /** Undefined: the amount is 0 and says nothing. */
  readonly amount?: Amount;
  /** It begins in this part of the faults' time at the latest; 1 when absent. */
  readonly early?: number;
  /** Moments that it mostly strikes at; any, and less often, when absent. */
  readonly strikes?: readonly Moment[];
}

export interface Amount {
  readonly unit: "probability" | "count" | "ms" | "direction";
  readonly means: string;
  readonly from: number;
  readonly to: number;
  /** As likely from 1 to 2 as from 10 to 20. */
  readonly isLogarithmic?: true;
}

const second = 1_000;
const minute = 60 * second;

function probability(means: string, from: number, to: number): Amount {
  return { unit: "probability", means, from, to };
}

function count(means: string, from: number, to: number): Amount {
  return { unit: "count", means, from, to };
}

function ms(means: string, from: number, to: number): Amount {
  return { unit: "ms", means, from, to };
}

/** A site fetches an image once, and then has it: most are deployed early. */
const untilFetched = 0.3;

export const faultTable: Readonly<Record<FaultClass, FaultKind>> = {
  // Wide area network
  "wan-partition": {
    ids: ["F1", "F2"],
    target: "agent",
    most: 4,
    lastsMs: [5 * second, 6 * minute],
  },
  "wan-one-way": {
    ids: ["F3"],
    target: "agent",
    most: 3,
    lastsMs: [5 * second, 3 * minute],
    amount: {
      unit: "direction",
      means: "0: hub to agent is lost, 1: agent to hub",
      from: 0,
      to: 1,
    },
  },
  "wan-delay": {
    ids: ["F8", "F9"],
    target: "agent",
    most: 3,
    lastsMs: [30 * second, 5 * minute],
    amount: ms("mean of a frame's way, exponential", 30, 2_000),
  },
  "wan-cut-links": {
    ids: ["F4", "F10"],
    target: "agent",
    most: 6,
    amount: count("0: both ends are told, 1: neither is", 0, 1),
  },
  "frame-duplicated": {
    ids: ["F5", "F6", "F20"],
    target: "agent",
    most: 3,
    lastsMs: [30 * second, 8 * minute],
    amount: probability("of each frame, to arrive once more later", 0.01, 0.5),
  },
  "frame-garbled": {
    ids: ["F7"],
    target: "agent",
    most: 2,
    lastsMs: [10 * second, 3 * minute],
    amount: probability("of each frame, to arrive cut or changed", 0.002, 0.05),
  },
  "feed-answer-lost": {
    ids: ["F21", "F36"],
    target: "cluster-link",
    most: 3,
    lastsMs: [10 * second, 4 * minute],
    amount: probability(
      "of each post of the feed, to be taken and not answered; and half as often, to be lost before",
      0.05,
      0.5,
    ),
  },
  // Control plane and database
  "control-plane-crash": {
    ids: ["F25", "F26", "F27", "F28", "F33"],
    target: "instance",
    most: 6,
    amount: ms("until it is started again", 500, 20 * second),
  },
  "control-plane-stop": {
    ids: ["F30"],
    target: "instance",
    most: 4,
    amount: ms("until it is started again", 500, 20 * second),
  },
  "database-down": { ids: ["F34", "F40"], target: "database", most: 3, lastsMs: [second, minute] },
  "database-error-before-commit": {
    ids: ["F35", "F37", "F38"],
    target: "database",
    most: 3,
    lastsMs: [10 * second, 4 * minute],
    amount: probability("of each statement, to fail without effect", 0.01, 0.1),
  },
  "database-error-after-commit": {
    ids: ["F36"],
    target: "database",
    most: 3,
    lastsMs: [10 * second, 4 * minute],
    amount: probability("of each statement, to take effect and fail", 0.01, 0.1),
  },
  "database-slow": {
    ids: ["F47"],
    target: "database",
    most: 2,
    lastsMs: [10 * second, 2 * minute],
    amount: ms("longest time of a statement, uniform from 0", 50, 3_000),
  },
  "database-restored": {
    ids: ["F42"],
    target: "database",
    most: 1,
    lastsMs: [10 * second, 2 * minute],
    amount: { ...ms("how far back it goes", second, 10 * minute), isLogarithmic: true },
    // Work is under way then of which it may know nothing afterwards.
    strikes: ["power-cut", "ramdisk-runs", "status-written"],
  },
  "notification-lost": {
    ids: ["F31"],
    target: "database",
    most: 3,
    lastsMs: [30 * second, 8 * minute],
    amount: probability("of each notification, for each listener", 0.05, 1),
  },
  "notifications-deaf": {
    ids: ["F46"],
    target: "database",
    most: 2,
    lastsMs: [minute, 8 * minute],
  },
  // Site agent
  "agent-crash": {
    ids: ["F48", "F49", "F56"],
    target: "agent",
    most: 4,
    amount: ms("until it is started again", 500, minute),
  },
  "agent-crash-at-call": {
    ids: ["F48"],
    target: "agent",
    most: 6,
    lastsMs: [5 * second, 2 * minute],
    amount: count(
      "of calls of its ports from then; it ends at the last, half of them before it, half after",
      1,
      400,
    ),
  },
  "agent-stop": {
    ids: ["F56"],
    target: "agent",
    most: 3,
    amount: ms("until it is started again", 500, minute),
  },
  "agent-paused": { ids: ["F53"], target: "agent", most: 3, lastsMs: [second, 90 * second] },
  "agent-cloned": {
    ids: ["F52"],
    target: "site",
    most: 1,
    lastsMs: [30 * second, 5 * minute],
    amount: count("0: what is sent to their address reaches both, 1: one of them", 0, 1),
  },
  "agent-clock-jump": {
    ids: ["F45", "F54"],
    target: "agent",
    most: 3,
    amount: ms("that its wall clock goes forward, or back", -60 * minute, 60 * minute),
  },
  "agent-revoked": {
    ids: ["F57"],
    target: "agent",
    most: 3,
    lastsMs: [5 * second, minute],
    strikes: ["power-cut"],
  },
  "agent-disk-full": { ids: ["F50"], target: "agent", most: 2, lastsMs: [10 * second, 3 * minute] },
  // Kubernetes
  "api-server-restart": {
    ids: ["F14"],
    target: "cluster",
    most: 3,
    lastsMs: [second, 20 * second],
  },
  "api-watch-window": {
    ids: ["F15"],
    target: "cluster",
    most: 3,
    lastsMs: [30 * second, 8 * minute],
    amount: count("of the newest events that a watch may go on from", 0, 50),
  },
  "api-watch-stalled": {
    ids: ["F16"],
    target: "cluster",
    most: 2,
    lastsMs: [30 * second, 5 * minute],
  },
  "api-conflict": {
    ids: ["F17"],
    target: "cluster",
    most: 3,
    lastsMs: [30 * second, 5 * minute],
    amount: probability("of each write, to be answered 409", 0.05, 0.5),
  },
  "api-throttled": {
    ids: ["F18"],
    target: "cluster",
    most: 2,
    lastsMs: [10 * second, 2 * minute],
    amount: probability("of each request, to be answered 429", 0.05, 0.8),
  },
  "api-stale-list": {
    ids: ["F19"],
    target: "cluster",
    most: 3,
    lastsMs: [30 * second, 8 * minute],
    amount: ms("how old a list may be", second, minute),
  },
  "webhook-unreachable": {
    ids: ["F22"],
    target: "cluster",
    most: 3,
    lastsMs: [10 * second, 5 * minute],
  },
  // BMC
  "bmc-hangs": { ids: ["F61"], target: "machine", most: 6, lastsMs: [10 * second, 5 * minute] },
  "bmc-restarts": { ids: ["F62"], target: "machine", most: 6, lastsMs: [20 * second, 90 * second] },
  "bmc-loses-packets": {
    ids: ["F75"],
    target: "machine",
    most: 10,
    lastsMs: [30 * second, 8 * minute],
    amount: probability("of each packet, either way", 0.05, 0.6),
  },
  "bmc-does-nothing": {
    ids: ["F64", "F65", "F76"],
    target: "machine",
    most: 6,
    amount: count("of power commands that it takes and does not do", 1, 3),
  },
  "bmc-cached-power": {
    ids: ["F63"],
    target: "machine",
    most: 6,
    lastsMs: [minute, 8 * minute],
    amount: ms("how old its power state may be", 5 * second, 60 * second),
  },
  "bmc-ignores-boot-device": {
    ids: ["F70"],
    target: "machine",
    most: 6,
    amount: count("of boot devices that it takes and forgets", 1, 2),
  },
  "bmc-sessions-full": {
    ids: ["F66"],
    target: "machine",
    most: 4,
    lastsMs: [30 * second, 5 * minute],
  },
  "bmc-flaps": {
    ids: ["F69"],
    target: "machine",
    most: 4,
    lastsMs: [minute, 6 * minute],
    amount: ms("that it answers, and as long that it does not", 5 * second, 30 * second),
  },
  // Boot network, machines, disks, images
  "network-loss": {
    ids: ["F85", "F86", "F97", "F102"],
    target: "site",
    most: 3,
    lastsMs: [30 * second, 5 * minute],
    amount: probability("of each datagram", 0.01, 0.3),
  },
  "network-duplicates": {
    ids: ["F85"],
    target: "site",
    most: 3,
    lastsMs: [30 * second, 8 * minute],
    amount: probability("of each datagram", 0.01, 0.5),
  },
  "rogue-dhcp": { ids: ["F81", "F83"], target: "site", most: 2, lastsMs: [minute, 5 * minute] },
  "rogue-client": { ids: ["F57", "F60"], target: "site", most: 2, lastsMs: [minute, 10 * minute] },
  "machine-power-loss": {
    ids: ["F96", "F112"],
    target: "machine",
    most: 6,
    amount: ms("until the mains are back", 500, minute),
  },
  "ramdisk-dies": { ids: ["F95", "F97"], target: "machine", most: 6 },
  "disk-error": {
    ids: ["F92", "F94"],
    target: "machine",
    most: 4,
    amount: count("of changes of its disks that fail", 1, 4),
  },
  "disk-renamed": { ids: ["F93", "F100"], target: "machine", most: 6 },
  "swapped-machine": {
    ids: ["F74", "F101"],
    target: "pair",
    most: 2,
    lastsMs: [minute, 8 * minute],
  },
  "image-changes": {
    ids: ["F89"],
    target: "image",
    early: untilFetched,
    most: 2,
    lastsMs: [30 * second, 6 * minute],
    amount: count("0: it is another file from now on, 1: from the middle of the next answer", 0, 1),
  },
  "image-truncated": {
    ids: ["F88"],
    target: "image",
    early: untilFetched,
    most: 3,
    amount: count("of answers that end too early", 1, 4),
  },
  "image-stalls": {
    ids: ["F87"],
    target: "image",
    early: untilFetched,
    most: 3,
    lastsMs: [30 * second, 4 * minute],
    amount: count("of KiB that come in a second; 0: answers stand still in their middle", 0, 8),
  },
  "board-replaced": { ids: ["F74", "F101"], target: "machine", most: 3 },
  "image-missing": {
    ids: ["F87", "F90"],
    target: "image",
    early: untilFetched,
    most: 2,
    lastsMs: [10 * second, 4 * minute],
    amount: count(
      "0: not found, 1: the server fails, 2: redirects in a circle, 3: to where secrets are",
      0,
      3,
    ),
  },
};

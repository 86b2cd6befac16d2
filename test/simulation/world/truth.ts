// What is so in the simulated world at this moment: for judges, and for nobody else. Read only.
import type { GuardPlan } from "../workload/scenario.ts";
import type { KubernetesObject, Place, Running } from "./events.ts";

export interface DiskTruth {
  readonly serialNumber: string;
  readonly sizeBytes: number;
  /** Kernel name at this boot, as sda: may differ at the next. */
  readonly name: string;
  /** The bytes there; zeros where nothing was ever written. */
  peek(offset: number, length: number): Uint8Array;
  /** True: these bytes are there. As with `peek`, without a copy of them. */
  holds(offset: number, bytes: Uint8Array): boolean;
  /** True: nothing but zeros in the range. */
  isZero(offset: number, length: number): boolean;
  /** True: these bytes are there, and would be if the power went now. */
  keeps(offset: number, bytes: Uint8Array): boolean;
  /** In its cache: what a loss of power may lose. */
  readonly unflushedBytes: number;
  /** What firmware would boot from it as it is: an image's name, or "old". */
  readonly system: string | undefined;
}

export interface MachineTruth {
  readonly name: string;
  readonly site: string;
  /** As in spec.bmc.address, without the scheme: "10.1.0.11:623". */
  readonly bmcAddress: string;
  readonly macs: readonly string[];
  readonly systemUuid: string;
  readonly serialNumber: string;
  readonly on: boolean;
  readonly running: Running;
  /** What an operating system that runs is: an image's name, or "old" for what was there before Farrier. */
  readonly system: string | undefined;
  readonly boot: number;
  readonly override: { readonly place: Place; readonly once: boolean } | undefined;
  readonly disks: readonly DiskTruth[];
  /** Names of what is odd about it or its BMC, for good. */
  readonly quirks: readonly string[];
  /** How many passwords this BMC has had; the newest is valid. */
  readonly passwordNumber: number;
  readonly password: string;
  /** Logins that failed since the last success. */
  readonly failedLogins: number;
  readonly lockedOut: boolean;
  readonly openSessions: number;
}

export interface Image {
  readonly name: string;
  readonly url: string;
  /** Raw content, as it must lie on the disk. */
  readonly bytes: Uint8Array;
}

/** A row of an agent's journal as it lies in its database. */
export interface JournalRow {
  readonly operationId: string;
  readonly state: string;
  readonly [column: string]: unknown;
}

export interface Truth {
  nowMs(): number;
  readonly machines: ReadonlyMap<string, MachineTruth>;
  readonly images: readonly Image[];
  readonly clusters: readonly string[];
  /** Which clusters' hosts may be at a site is not limited; every agent acts for one site. */
  readonly sites: readonly string[];
  /** What the operators of sites forbid, by site. */
  readonly guards: ReadonlyMap<string, GuardPlan>;
  /** Counts changes of objects, and of which BMC leads to which machine: what was read of them holds while it stays. */
  readonly changes: number;
  /** Everything that the API server holds, by path as "/apis/metal3.io/v1alpha1/namespaces/a/baremetalhosts/h". */
  objects(cluster: string): ReadonlyMap<string, KubernetesObject>;
  /** BareMetalHosts whose spec.bmc.address is this machine's, in all clusters. */
  hostsOf(
    machine: string,
  ): readonly { readonly cluster: string; readonly object: KubernetesObject }[];
  /** Rows of a table of the control plane's database; undefined in a tier where they cannot be seen at once. */
  rows(table: string): readonly Readonly<Record<string, unknown>>[] | undefined;
  /** Durable rows of the journals of the site's agents; an agent's second copy counts by itself. */
  journal(
    site: string,
  ): readonly { readonly agent: string; readonly rows: readonly JournalRow[] }[];
  /** Of all documents that an agent has stored, what is left of removed ones among them: by host. */
  revisions(agent: string): ReadonlyMap<string, number>;
  /** Agents that hold a document of the host; a copy of one while it runs. */
  holders(hostUid: string): readonly string[];
  /** How many observations the site's agents have not told the control plane yet. */
  waiting(site: string): number;
  /** Faults are over and the fleet has had the time to recover: liveness may be judged. */
  readonly healed: boolean;
}

// A snapshot: all that a decision about a host may look at. Time is in it; nothing else is asked.
import { z } from "zod";
import {
  bareMetalHostStatus,
  bootMode,
  image,
  rootDeviceHints,
  type BareMetalHost,
} from "../metal3/bare-metal-host.ts";
import type { HardwareDetails } from "../metal3/hardware-details.ts";
import {
  operationFailure,
  operationKind,
  operationProgress,
  operationResult,
  operationState,
} from "../protocol/operation.ts";
import { diskIdentity, machineIdentity } from "../protocol/ramdisk.ts";
import { knownStamps } from "../protocol/write-back.ts";
import type { SecretFact } from "../protocol/facts/secret-fact.ts";
import {
  sealedSecret,
  secretPurpose,
  type SecretPurpose,
} from "../protocol/facts/sealed-secret.ts";

/** What a provision operation writes, kept until its outcome is known: that is what gets recorded. */
const deployment = z.object({
  allocation: z.string(),
  image,
  bootMode,
  rootDeviceHints: rootDeviceHints.optional(),
});

/** What Farrier itself remembers about a host between decisions: a JSON column of its row. */
export const hostMemory = z.object({
  /** The status as it should stand in Kubernetes. */
  status: bareMetalHostStatus,
  /** Revision and hash of the newest host document; revision 0: none yet. */
  revision: z.number().int().nonnegative(),
  /** "": the site holds no document of this host. "unknown": it may, from before an adoption. */
  documentHash: z.string(),
  /** How many operations this host ever had, and more after an adoption; ids are `<uid>.<n>`. */
  operationCount: z.number().int().nonnegative(),
  /** Consecutive failed attempts of the current work, and when the next may start (epoch ms). */
  attempt: z.number().int().nonnegative(),
  notBeforeMs: z.number().optional(),
  /** Hash of what the failed attempt was made with: once it differs, the next starts at once. */
  failedInputs: z.string().optional(),
  /** Pinned at inspection. */
  identity: machineIdentity.optional(),
  disks: z.array(diskIdentity).optional(),
  /** Identity of the deployment on the disk: hash of everything that shapes it; "" = nothing. */
  allocation: z.string(),
  writing: deployment.optional(),
  /** What was really written. */
  written: deployment.extend({ contentDigest: z.string(), disk: diskIdentity }).optional(),
  /** True: nothing was written since the last cleaning. Absent: not known. */
  clean: z.boolean().optional(),
  /** An operation that counted as ended before it changed anything, and changed the disks all the same. */
  lateWork: z.string().optional(),
  /** Reports of the last cleaning, for people. */
  cleaned: z.object({ atMs: z.number(), summary: z.string() }).optional(),
  /** Waits for a person's word (retry annotation, new image, deletion): why. */
  unproven: z.string().optional(),
  /** The site is still to be asked how the write ended that was ordered up to this revision. */
  recallUpTo: z.number().int().positive().optional(),
  /** Where registration succeeded, and where the running one tries. */
  registered: z.object({ site: z.string(), address: z.string() }).optional(),
  registering: z.object({ site: z.string(), address: z.string() }).optional(),
  /** Adopted while it registered: claims its machine only then (epoch ms), after hosts that have it already. */
  claimsFromMs: z.number().optional(),
  /** What the BMC's trouble was at the last decision: its end wakes a waiting retry. */
  bmcProblem: z.string().optional(),
  /** The newest usable credentials: outlive their Secret, so that a host can still be released. */
  credentials: sealedSecret.optional(),
  /** Secrets that were labelled, by purpose: uid, version before, when. */
  claimedSecrets: z
    .partialRecord(
      secretPurpose,
      z.object({ name: z.string(), uid: z.string(), version: z.string(), atMs: z.number() }),
    )
    .optional(),
  /** Annotations that were acted on and whose removal Kubernetes does not show yet. */
  taken: z.array(z.string()).optional(),
  /** The newest power, if it is known, and the time stamp of the agent's report that it has overtaken. */
  power: z.object({ on: z.boolean().optional(), reportAtMs: z.number().optional() }).optional(),
  /** Since when a report of the power is missing (epoch ms). */
  powerAwaitedSinceMs: z.number().optional(),
  stamps: knownStamps.optional(),
  /** Those when the present status was decided. */
  over: knownStamps.optional(),
  /** When progress was last put into the status (epoch ms). */
  progressAtMs: z.number().optional(),
  /** The step of the running operation that an Event told last. */
  step: z.string().optional(),
  /** How the last operation ended, for the condition. */
  lastResult: z.object({ reason: z.string(), message: z.string() }).optional(),
});
export type HostMemory = z.infer<typeof hostMemory>;

/** The host's operation that is running, or that has ended and was not decided about yet. */
export const operationView = z.object({
  id: z.string(),
  kind: operationKind,
  revision: z.number().int(),
  allocation: z.string(),
  attempt: z.number().int(),
  state: operationState,
  createdAtMs: z.number(),
  startedAtMs: z.number().optional(),
  endedAtMs: z.number().optional(),
  cancelled: z.boolean(),
  progress: operationProgress.optional(),
  result: operationResult.optional(),
  failure: operationFailure.optional(),
});
export type OperationView = z.infer<typeof operationView>;

/** Which site a host belongs to, and whether that site hears us. */
export type SiteView =
  | { readonly kind: "none"; readonly reason: string }
  | {
      readonly kind: "site";
      readonly name: string;
      readonly connection: "connected" | "degraded" | "unreachable";
      /** Epoch ms of the last sign of life. */
      readonly lastSeenMs: number;
    };

/**
 * Whether the cluster link has told what people want of the host by now. "away": it is not heard. "behind": it was away,
 * and has not told yet what changed meanwhile.
 */
export type ClusterLinkView =
  | { readonly kind: "current" | "behind" }
  | { readonly kind: "away"; readonly lastSeenMs: number };

export interface Snapshot {
  /** Epoch ms. */
  readonly nowMs: number;
  readonly cluster: string;
  /** The committed object as the feed brought it; `host.status` is what Kubernetes shows. */
  readonly host: BareMetalHost;
  /** The object is gone from Kubernetes; `host` is its last form. */
  readonly deleted?: boolean;
  /** Problems that admission would have refused; non-empty: nothing is started. */
  readonly invalid: readonly string[];
  /** Absent: no row for this host: adopt it from its own status. */
  readonly memory: HostMemory | undefined;
  /** There was memory, until the database went back in time; the site may hold a document. */
  readonly forgotten?: boolean;
  /** HardwareData of the same name, as Kubernetes holds it. */
  readonly hardware: HardwareDetails | undefined;
  readonly site: SiteView;
  readonly clusterLink: ClusterLinkView;
  readonly secrets: Partial<Record<SecretPurpose, SecretFact>>;
  readonly operation: OperationView | undefined;
  /** Power as the agent last saw it. */
  readonly power: { readonly on: boolean; readonly atMs: number } | undefined;
  /** Why the BMC does not answer at the moment, as the agent says. */
  readonly bmcProblem: string | undefined;
  /** A claim that another host holds: "BMC address …" or "boot MAC …"; says no foreign name. */
  readonly claimConflict: string | undefined;
}

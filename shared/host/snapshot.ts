// A snapshot: all that a decision about a host may look at. Time is in it; nothing else is asked.
import { z } from "zod";
import { bareMetalHostStatus, type BareMetalHost } from "../metal3/bare-metal-host.ts";
import type { HardwareDetails } from "../metal3/hardware-details.ts";
import {
  operationFailure,
  operationKind,
  operationProgress,
  operationResult,
  operationState,
} from "../protocol/operation.ts";
import { diskIdentity, machineIdentity } from "../protocol/ramdisk.ts";
import type { SecretFact } from "../protocol/secret-fact.ts";
import type { SecretPurpose } from "../protocol/sealed-secret.ts";

/** What Farrier itself remembers about a host between decisions: a JSON column of its row. */
export const hostMemory = z.object({
  /** The status as it should stand in Kubernetes. */
  status: bareMetalHostStatus,
  /** Revision and hash of the newest host document; revision 0: none yet. */
  revision: z.number().int().nonnegative(),
  documentHash: z.string(),
  /** How many operations this host ever had; ids are `<uid>.<n>`. */
  operationCount: z.number().int().nonnegative(),
  /** Consecutive failed attempts of the current work, and when the next may start (epoch ms). */
  attempt: z.number().int().nonnegative(),
  notBeforeMs: z.number().optional(),
  /** Pinned at inspection. */
  identity: machineIdentity.optional(),
  disks: z.array(diskIdentity).optional(),
  /** Identity of the deployment on the disk: hash of everything that shapes it; "" = nothing. */
  allocation: z.string(),
  /** What was really written. */
  written: z
    .object({ allocation: z.string(), contentDigest: z.string(), disk: diskIdentity })
    .optional(),
  /** Reports of the last cleaning, for people. */
  cleaned: z.object({ atMs: z.number(), summary: z.string() }).optional(),
  /** A reboot that was asked for by annotation and not finished: which half is next. */
  reboot: z.enum(["off", "on"]).optional(),
  /** Resource version of the BMC Secret that last failed to log in: waits for another one. */
  refusedCredentials: z.string().optional(),
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

export interface Snapshot {
  /** Epoch ms. */
  readonly nowMs: number;
  readonly cluster: string;
  /** The committed object as the feed brought it; `host.status` is what Kubernetes shows. */
  readonly host: BareMetalHost;
  /** Problems that admission would have refused; non-empty: nothing is started. */
  readonly invalid: readonly string[];
  /** Absent: no row for this host: adopt it from its own status. */
  readonly memory: HostMemory | undefined;
  /** HardwareData of the same name, as Kubernetes holds it. */
  readonly hardware: HardwareDetails | undefined;
  readonly site: SiteView;
  readonly secrets: Partial<Record<SecretPurpose, SecretFact>>;
  readonly operation: OperationView | undefined;
  /** Power as the agent last saw it. */
  readonly power: { readonly on: boolean; readonly atMs: number } | undefined;
  /** Why the BMC does not answer at the moment, as the agent says. */
  readonly bmcProblem: string | undefined;
  /** A claim that another host holds: "BMC address …" or "boot MAC …"; says no foreign name. */
  readonly claimConflict: string | undefined;
}

// Operations: the journaled pieces of work that the control plane asks of an agent, their payloads and results.
import { z } from "zod";
import { bootMode, image, rootDeviceHints } from "../metal3/bare-metal-host.ts";
import { hardwareDetails } from "../metal3/hardware-details.ts";
import { diskIdentity, erasedDisk, machineIdentity, progress } from "./ramdisk.ts";
import { sealedSecret } from "./facts/sealed-secret.ts";

export const operationKind = z.enum([
  "register",
  "inspect",
  "clean",
  "provision",
  "power",
  "recall",
]);
export type OperationKind = z.infer<typeof operationKind>;

/** observe: repeat freely · converge: re-read, then act · once: never twice (erase, write). */
export const operationClass = z.enum(["observe", "converge", "once"]);

/** Whether the ramdisk may stay up after the work, so that the next operation saves a boot. */
const afterwards = z.enum(["stay", "power-off"]);

export const operationPayload = z.discriminatedUnion("kind", [
  /** Log in to the BMC, identify it, read the power. */
  z.object({ kind: z.literal("register") }),
  /** Boot the ramdisk and read the inventory. */
  z.object({ kind: z.literal("inspect"), afterwards }),
  /** Remove signatures and partition tables from the disks of the pinned inventory. */
  z.object({ kind: z.literal("clean"), mode: z.literal("metadata"), afterwards }),
  z.object({
    kind: z.literal("provision"),
    image,
    rootDeviceHints: rootDeviceHints.optional(),
    bootMode,
    /** Secrets for the config drive, by purpose. */
    userData: sealedSecret.optional(),
    networkData: sealedSecret.optional(),
    metaData: sealedSecret.optional(),
  }),
  z.object({
    kind: z.literal("power"),
    want: z.enum(["on", "off", "reboot"]),
    /** soft falls back to hard after the agent's bound. */
    mode: z.enum(["soft", "hard"]),
  }),
  /** Tell from the journal how the last write ended that was ordered at this revision of the host or an older one. */
  z.object({ kind: z.literal("recall"), upToRevision: z.number().int().positive() }),
]);
export type OperationPayload = z.infer<typeof operationPayload>;

export const operation = z.object({
  id: z.string(),
  hostUid: z.string(),
  /** Revision of the host document that must be the newest stored one at the point of no return. */
  revision: z.number().int().positive(),
  /** 1 for the first try; recorded before the operation is sent. */
  attempt: z.number().int().positive(),
  /** Age limit before the point of no return, on the receiver's monotonic clock from receipt. */
  validForMs: z.number().int().positive(),
  class: operationClass,
  /** spec.allocation of the document that this work is for. */
  allocation: z.string(),
  payload: operationPayload,
});
export type Operation = z.infer<typeof operation>;

/** One try at switching the power; shown to people, so reasons are sentences. */
export const operationErrorKind = z.enum([
  "bmc-address",
  "bmc-unreachable",
  "bmc-credentials",
  "bmc-login-budget",
  "bmc-busy",
  "bmc-refused",
  "power-no-effect",
  "boot-timeout", // the ramdisk did not arrive; the message says what was seen
  "image-address",
  "image-not-found",
  "image-unreachable",
  "image-checksum",
  "image-format",
  "image-too-large",
  "no-disk",
  "secret",
  "identity",
  "fenced", // the world changed before the point of no return; nothing was destroyed
  "expired", // too old before the point of no return
  "guard", // the site's operator forbids it
  "interrupted", // crashed past the point of no return: the outcome is not known
  "disk",
  "stream",
  "ramdisk-lost",
  "unsupported",
  "cancelled",
  "internal",
]);
export type OperationErrorKind = z.infer<typeof operationErrorKind>;

export const operationFailure = z.object({
  kind: operationErrorKind,
  message: z.string().max(4096),
  /** Whether the point of no return had been passed. */
  destroyed: z.boolean(),
});
export type OperationFailure = z.infer<typeof operationFailure>;

export const operationResult = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("register"),
    on: z.boolean(),
    protocol: z.string(),
    manufacturerId: z.number().int(),
    firmware: z.string(),
    /** resourceVersion of the Secret that logged in. */
    credentialsVersion: z.string(),
  }),
  z.object({
    kind: z.literal("inspect"),
    on: z.boolean(),
    hardware: hardwareDetails,
    identity: machineIdentity,
    disks: z.array(diskIdentity),
  }),
  z.object({ kind: z.literal("clean"), on: z.boolean(), disks: z.array(erasedDisk) }),
  z.object({
    kind: z.literal("provision"),
    on: z.boolean(),
    disk: diskIdentity,
    /** Identity of the bytes written (shared/protocol/extent-stream.ts). */
    contentDigest: z.string(),
    writtenBytes: z.number().int(),
    durationMs: z.number(),
    bootEntry: z.string(),
  }),
  z.object({ kind: z.literal("power"), on: z.boolean() }),
  z.object({
    kind: z.literal("recall"),
    /** False: the journal holds nothing of the host from then, and says nothing about it. */
    isKnown: z.boolean(),
    /** Absent: nothing was written since the last cleaning. With exactly one of written and failure. */
    write: z
      .object({
        allocation: z.string(),
        image,
        bootMode,
        rootDeviceHints: rootDeviceHints.optional(),
        written: z.object({ contentDigest: z.string(), disk: diskIdentity }).optional(),
        failure: operationFailure.optional(),
      })
      .optional(),
  }),
]);
export type OperationResult = z.infer<typeof operationResult>;

/** How far an operation is, as the control plane knows it. */
export const operationState = z.enum(["pending", "accepted", "running", "succeeded", "failed"]);
export type OperationState = z.infer<typeof operationState>;

export const operationProgress = progress.extend({ atMs: z.number() });
export type OperationProgress = z.infer<typeof operationProgress>;

// The messages between an agent and the ramdisk program on a host: WebSocket text messages, JSON, over TLS
// whose certificate the ramdisk pins (kernel parameter farrier.fingerprint). Subprotocol farrier.ramdisk.v1.
// The ramdisk talks to its site's agent only. Extent streams are fetched over the same TLS server by GET.
import { z } from "zod";
import { bootMode, rootDeviceHints } from "../metal3/bare-metal-host.ts";
import { hardwareDetails } from "../metal3/hardware-details.ts";

export const ramdiskSubprotocol = "farrier.ramdisk.v1";
/** WebSocket path; the boot token goes into the Authorization header as "Bearer …". */
export const ramdiskPath = "/ramdisk/v1";

/** What the machine says of itself; compared with the pinned inventory at the point of no return. */
export const machineIdentity = z.object({
  /** SMBIOS type 1 UUID, lower case; absent when unset (all zero or all f). */
  systemUuid: z.string().max(64).optional(),
  serialNumber: z.string().max(128).optional(),
  /** Permanent addresses of all NICs, lower case. */
  macs: z.array(z.string().max(32)).max(256),
});
export type MachineIdentity = z.infer<typeof machineIdentity>;

/** A disk by what it is, not by its place: a name may change from boot to boot. */
export const diskIdentity = z.object({
  name: z.string().max(256),
  serialNumber: z.string().max(256).optional(),
  wwn: z.string().max(256).optional(),
  sizeBytes: z.number().int().nonnegative(),
});
export type DiskIdentity = z.infer<typeof diskIdentity>;

export const progress = z.object({
  /** CamelCase step, a valid condition reason. */
  step: z.string().regex(/^[A-Z][A-Za-z0-9]{0,63}$/),
  doneBytes: z.number().int().nonnegative().optional(),
  totalBytes: z.number().int().nonnegative().optional(),
  bytesPerSecond: z.number().nonnegative().optional(),
  detail: z.string().max(512).optional(),
});
export type Progress = z.infer<typeof progress>;

/** What a ramdisk can be asked to do. One at a time; each carries its operation's own token. */
export const ramdiskStep = z.discriminatedUnion("kind", [
  /** Read-only: the whole inventory. */
  z.object({ kind: z.literal("inspect") }),
  /** Remove signatures, partition tables and labels from every disk of the list. */
  z.object({
    kind: z.literal("erase"),
    mode: z.literal("metadata"),
    disks: z.array(diskIdentity).max(1024),
  }),
  z.object({
    kind: z.literal("write"),
    rootDeviceHints: rootDeviceHints.optional(),
    /** Only these may be written; from the inspected inventory. */
    approvedDisks: z.array(diskIdentity).max(1024),
    /** Path on the agent's TLS server; GET gives an extent stream (shared/protocol/extent-stream.ts). */
    extentsPath: z.string(),
    virtualBytes: z.number().int().positive(),
    /** An ISO 9660 image (volume label config-2), base64; absent: no config drive. */
    configDrive: z.string().optional(),
    bootMode,
    /** Upper bound of the write speed; 0: none. */
    bytesPerSecond: z.number().int().nonnegative(),
  }),
  /** The last word: the program answers first, then acts. */
  z.object({ kind: z.literal("leave"), how: z.enum(["reboot", "power-off"]) }),
]);
export type RamdiskStep = z.infer<typeof ramdiskStep>;

export const erasedDisk = z.object({
  disk: diskIdentity,
  ok: z.boolean(),
  /** What was done and how, for people. */
  method: z.string().max(256),
  detail: z.string().max(512),
  erasedBytes: z.number().int().nonnegative(),
});
export type ErasedDisk = z.infer<typeof erasedDisk>;

export const stepOutcome = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("inspect"), hardware: hardwareDetails, identity: machineIdentity }),
  z.object({ kind: z.literal("erase"), disks: z.array(erasedDisk) }),
  z.object({
    kind: z.literal("write"),
    disk: diskIdentity,
    writtenBytes: z.number().int().nonnegative(),
    zeroedBytes: z.number().int().nonnegative(),
    /** SHA-256 over the extent digests in order, hex: the content's identity. */
    contentDigest: z.string(),
    configDrive: z.boolean(),
    /** What makes the machine boot this disk: an UEFI entry, or the boot order of the firmware. */
    bootEntry: z.string().max(256),
  }),
  z.object({ kind: z.literal("leave") }),
]);
export type StepOutcome = z.infer<typeof stepOutcome>;

/** Why a step did not succeed; `destroyed` tells whether it had passed its point of no return. */
export const stepFailure = z.object({
  kind: z.enum([
    "refused", // the agent said no at the point of no return
    "identity", // this machine or disk is not the one that was meant
    "no-disk", // hints match no disk, or several
    "too-small", // the image does not fit
    "stream", // the extent stream broke or did not verify
    "io", // the disk failed
    "unsupported",
    "cancelled",
  ]),
  message: z.string().max(2048),
  destroyed: z.boolean(),
});
export type StepFailure = z.infer<typeof stepFailure>;

export const fromRamdisk = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("hello"),
    version: z.literal(1),
    bootMac: z.string().max(32),
    identity: machineIdentity,
    /** Seconds since this boot, monotonic. */
    uptimeSeconds: z.number().nonnegative(),
  }),
  /** The question at the point of no return. No answer, no destruction. */
  z.object({
    type: z.literal("may-destroy"),
    operationId: z.string(),
    identity: machineIdentity,
    disks: z.array(diskIdentity).max(1024),
  }),
  z.object({ type: z.literal("progress"), operationId: z.string(), progress }),
  z.object({ type: z.literal("done"), operationId: z.string(), outcome: stepOutcome }),
  z.object({ type: z.literal("failed"), operationId: z.string(), failure: stepFailure }),
  z.object({
    type: z.literal("log"),
    level: z.enum(["info", "warn", "error"]),
    text: z.string().max(4096),
  }),
  /** The answer to every ping. */
  z.object({ type: z.literal("pong") }),
]);
export type FromRamdisk = z.infer<typeof fromRamdisk>;

export const toRamdisk = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("run"),
    operationId: z.string(),
    /** The operation's own token: authorises the GET of its extents and is echoed by nobody else. */
    operationToken: z.string(),
    step: ramdiskStep,
  }),
  z.object({ type: z.literal("go"), operationId: z.string() }),
  z.object({ type: z.literal("refuse"), operationId: z.string(), reason: z.string().max(2048) }),
  z.object({ type: z.literal("cancel"), operationId: z.string() }),
  z.object({ type: z.literal("ping") }),
]);
export type ToRamdisk = z.infer<typeof toRamdisk>;

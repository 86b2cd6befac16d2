// What the control plane asks the cluster link to write into Kubernetes. Each is idempotent: it may arrive
// twice, and a target that is gone, or whose uid differs, counts as done.
import { z } from "zod";
import { bareMetalHostStatus } from "../metal3/bare-metal-host.ts";
import { hardwareDetails } from "../metal3/hardware-details.ts";
import { secretPurpose } from "./sealed-secret.ts";

const target = { namespace: z.string(), name: z.string(), uid: z.string() };

export const writeBack = z.discriminatedUnion("kind", [
  /** Server-side apply of the whole status, field manager "farrier". */
  z.object({ kind: z.literal("status"), ...target, status: bareMetalHostStatus }),
  z.object({
    kind: z.literal("metadata"),
    ...target,
    addFinalizers: z.array(z.string()).optional(),
    removeFinalizers: z.array(z.string()).optional(),
    removeAnnotations: z.array(z.string()).optional(),
  }),
  /** spec.architecture, only if it is empty. */
  z.object({ kind: z.literal("architecture"), ...target, architecture: z.string() }),
  /** Create, or replace by delete and create, the HardwareData of the host; owned by the host. */
  z.object({ kind: z.literal("hardware-data"), ...target, hardware: hardwareDetails }),
  /** Remove the finalizer of the host's HardwareData, so that it goes with the host. */
  z.object({ kind: z.literal("release-hardware-data"), ...target }),
  /** Label the Secret; for purpose "bmc" also owner reference and finalizer. */
  z.object({
    kind: z.literal("claim-secret"),
    ...target,
    secretName: z.string(),
    purpose: secretPurpose,
  }),
  z.object({ kind: z.literal("release-secret"), ...target, secretName: z.string() }),
  z.object({
    kind: z.literal("event"),
    ...target,
    /** Name of the Event object: the same event written twice is one object. */
    eventName: z.string(),
    type: z.enum(["Normal", "Warning"]),
    reason: z.string(),
    message: z.string().max(1024),
    atMs: z.number(),
    related: z.record(z.string(), z.string()).optional(),
  }),
]);
export type WriteBack = z.infer<typeof writeBack>;

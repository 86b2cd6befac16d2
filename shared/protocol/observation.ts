// Observations: numbered facts that an agent sends up. Numbers count per boot id from 1 without a gap; the
// control plane commits each with the state change that it causes and answers with the watermark.
import { z } from "zod";
import { operationFailure, operationProgress, operationResult } from "./operation.ts";

export const observationBody = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("operation-accepted"),
    hostUid: z.string(),
    operationId: z.string(),
  }),
  z.object({ kind: z.literal("operation-started"), hostUid: z.string(), operationId: z.string() }),
  /** Lossy: an agent may drop all but the newest of an operation before it is numbered. */
  z.object({
    kind: z.literal("operation-progress"),
    hostUid: z.string(),
    operationId: z.string(),
    progress: operationProgress,
  }),
  z.object({
    kind: z.literal("operation-succeeded"),
    hostUid: z.string(),
    operationId: z.string(),
    result: operationResult,
  }),
  z.object({
    kind: z.literal("operation-failed"),
    hostUid: z.string(),
    operationId: z.string(),
    failure: operationFailure,
  }),
  /** The power as polled by the agent; sent on change and after each (re)start. */
  z.object({ kind: z.literal("power"), hostUid: z.string(), on: z.boolean() }),
  /** The BMC cannot be reached, or can again (problem absent). */
  z.object({
    kind: z.literal("bmc"),
    hostUid: z.string(),
    problem: z.string().max(1024).optional(),
  }),
  /** A machine that is nobody's host asked to boot. */
  z.object({ kind: z.literal("stranger"), mac: z.string() }),
]);
export type ObservationBody = z.infer<typeof observationBody>;

export const observation = z.object({
  seq: z.number().int().positive(),
  atMs: z.number(),
  body: observationBody,
});
export type Observation = z.infer<typeof observation>;

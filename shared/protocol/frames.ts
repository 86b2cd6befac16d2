// The frames of a link session between an agent and the control plane: WebSocket text messages, JSON, at most
// 64 KiB, subprotocol farrier.v1. One agent has one session; it may carry both roles.
//
//   control plane                         agent
//   challenge {nonce}            →
//                                ←        hello {identity, signature over the nonce, …}
//   welcome {epoch, …}           →
//   documents, operations, writes →
//                                ←        observations, acks, lease renewals
import { z } from "zod";
import { hostDocument } from "./host-document.ts";
import { observation } from "./observation.ts";
import { operation } from "./operation.ts";
import { writeBack } from "./write-back.ts";

export const linkSubprotocol = "farrier.v1";
export const linkPath = "/link/v1";
export const maxFrameBytes = 64 * 1024;

/** Close codes of a link session. */
export const closeCode = {
  /** The agent said that it goes. */
  gone: 1000,
  /** The control plane instance goes away: reconnect. */
  goingAway: 1012,
  badFrame: 1008,
  /** A newer session of the same agent took over. */
  superseded: 4001,
  /** Signature wrong, agent unknown, or not approved yet. */
  unauthorized: 4002,
  revoked: 4003,
  /** Silent for too long. */
  silent: 4004,
  /** No version in common. */
  version: 4005,
  /** The agent has seen a higher epoch: this control plane's database went back in time. */
  epochRegression: 4006,
} as const;

/** Number of the session's statement that this answers (hello.heard). Absent: an older control plane. */
const turn = z.number().int().nonnegative().optional();

export const fromAgent = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("hello"),
    agentId: z.string(),
    /** New at every start of the agent program. */
    bootId: z.string(),
    /** Protocol versions that the agent speaks. */
    versions: z.array(z.number().int()).min(1),
    programVersion: z.string(),
    /** Operation kinds that it can run. */
    capabilities: z.array(z.string()),
    /** Grows by one with every session and survives restarts: a smaller one is a clone's. */
    counter: z.number().int().positive(),
    nonce: z.string(),
    /** Ed25519 over helloSigningText(hello), base64. */
    signature: z.string(),
    /** SHA-256 over the sorted "hostUid revision hash" lines of stored documents, hex. */
    documentsDigest: z.string(),
    /** Operations accepted and not finished, or whose end is still to be told. */
    operationsInFlight: z.array(
      z.object({ id: z.string(), state: z.enum(["accepted", "started", "finished"]) }),
    ),
    /** How far it has heard the control plane's database: more than that holds proves that it went back in time. */
    heard: z
      .object({ epoch: z.number().int().nonnegative(), turn: z.number().int().nonnegative() })
      .optional(),
    /** For the cluster role: it will tell when it has caught up (feed). Absent: an older agent. */
    tellsCaughtUp: z.boolean().optional(),
    /** Highest observation number of this boot id so far. */
    lastSeq: z.number().int().nonnegative(),
    wallClockMs: z.number(),
  }),
  z.object({
    type: z.literal("observations"),
    epoch: z.number().int(),
    items: z.array(observation).max(200),
  }),
  /** Outbox rows that are durably stored (documents, operations) or done (writes). */
  z.object({
    type: z.literal("ack"),
    epoch: z.number().int(),
    done: z.array(z.string()),
    failed: z.array(
      z.object({ id: z.string(), message: z.string().max(1024), retry: z.boolean() }),
    ),
  }),
  z.object({ type: z.literal("lease"), epoch: z.number().int(), sequence: z.number().int() }),
  /** The last frame: all work of this process has ended. Its next one need not wait for the lease to run out. */
  z.object({ type: z.literal("bye"), epoch: z.number().int() }),
]);
export type FromAgent = z.infer<typeof fromAgent>;
export type Hello = Extract<FromAgent, { type: "hello" }>;

export const delivery = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("document"), document: hostDocument }),
  z.object({ kind: z.literal("remove-document"), hostUid: z.string(), revision: z.number().int() }),
  z.object({ kind: z.literal("operation"), operation }),
  z.object({ kind: z.literal("cancel"), hostUid: z.string(), operationId: z.string() }),
  z.object({ kind: z.literal("write"), write: writeBack }),
]);
export type Delivery = z.infer<typeof delivery>;

export const siteKey = z.object({
  site: z.string(),
  /** X25519 public key, base64; the agents of the site hold the private one. */
  publicKey: z.string(),
  /** SHA-256 of the raw key, hex. */
  fingerprint: z.string(),
});
export type SiteKey = z.infer<typeof siteKey>;

export const toAgent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("challenge"), nonce: z.string(), version: z.literal(1) }),
  z.object({
    type: z.literal("welcome"),
    epoch: z.number().int().positive(),
    serverTimeMs: z.number(),
    site: z.string().optional(),
    cluster: z.string().optional(),
    /** The hello proved that the database went back in time: the hosts are taken over anew. */
    regressed: z.boolean().optional(),
    /** Another process with this agent's identity may still be at work. */
    afterAnother: z.boolean().optional(),
    /**
     * So long ago somebody was heard last who was given operations of the site that this agent has not heard of: another
     * process with its identity, or another agent. Absent: nobody, for long.
     */
    unknownWorkMs: z.number().int().nonnegative().optional(),
    /** Of the hello's operations: those that count as ended. What is not past its point of no return is given up. */
    over: z.array(z.string()).optional(),
    /** Whether all documents will be sent again. */
    resync: z.enum(["none", "full"]),
    /** Observations of this boot id up to here are committed. */
    committedSeq: z.number().int().nonnegative(),
    leaseTtlMs: z.number().int(),
    /** Bearer for the session's HTTP calls (feed), valid at every instance while the epoch is current. */
    sessionToken: z.string(),
    /** For the cluster role: of all secret facts that the control plane has; see facts/facts-digest.ts. */
    factsDigest: z.string().optional(),
    /** For the cluster role: sites and where their secrets are sealed to; also sent when it changes. */
    sites: z.array(siteKey),
  }),
  z.object({ type: z.literal("sites"), epoch: z.number().int(), sites: z.array(siteKey) }),
  z.object({
    type: z.literal("deliveries"),
    epoch: z.number().int(),
    turn,
    items: z.array(z.object({ id: z.string(), delivery })),
  }),
  z.object({ type: z.literal("committed"), epoch: z.number().int(), turn, seq: z.number().int() }),
  z.object({
    type: z.literal("lease"),
    epoch: z.number().int(),
    turn,
    sequence: z.number().int(),
    /** Another process with this agent's identity had the session, or asked for it: it may be at work. */
    beside: z.boolean().optional(),
  }),
  z.object({ type: z.literal("goaway"), retryAfterMs: z.number().int() }),
]);
export type ToAgent = z.infer<typeof toAgent>;
export type Welcome = Extract<ToAgent, { type: "welcome" }>;

/** What an agent signs: bound to the control plane's origin, so that it cannot be replayed elsewhere. */
export function helloSigningText(
  origin: string,
  hello: Omit<Hello, "signature">,
): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(
    JSON.stringify([
      "farrier-hello/v1",
      origin,
      hello.nonce,
      hello.agentId,
      hello.bootId,
      hello.counter,
    ]),
  );
}

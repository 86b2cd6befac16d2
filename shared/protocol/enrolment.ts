// Enrolment: an agent trades a single-use token for an identity. POST /agents/enrol.
import { z } from "zod";

export const enrolRequest = z.object({
  token: z.string(),
  /** Raw keys, base64: Ed25519 for signing, X25519 for sealing. */
  signingKey: z.string(),
  sealingKey: z.string(),
  hostname: z.string().max(253),
  programVersion: z.string().max(64),
});
export type EnrolRequest = z.infer<typeof enrolRequest>;

export const enrolAnswer = z.object({
  agentId: z.string(),
  state: z.enum(["pending", "approved"]),
  site: z.string().optional(),
  cluster: z.string().optional(),
});
export type EnrolAnswer = z.infer<typeof enrolAnswer>;

/**
 * The token that a person carries: farrier-<base64url of JSON {url, secret, ca?}>. `ca` is the SHA-256
 * fingerprint of a private CA's certificate, hex; absent: system roots.
 */
export const enrolToken = z.object({
  url: z.string(),
  secret: z.string().min(22),
  ca: z.string().optional(),
});
export type EnrolToken = z.infer<typeof enrolToken>;

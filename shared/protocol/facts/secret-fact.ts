// What the cluster link tells about a Secret that a host names: everything but its content.
import { z } from "zod";
import { sealedSecret, secretPurpose } from "./sealed-secret.ts";

export const secretFact = z.object({
  hostUid: z.string(),
  purpose: secretPurpose,
  /** The Secret's name as the host spells it; "" when the host names none (any more). */
  name: z.string(),
  found: z.boolean(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  /** Why the content cannot be used: action first, names of keys, never values. */
  problem: z.string().max(1024).optional(),
  /** Missing while the site or its key is unknown, and when there is a problem. */
  sealed: sealedSecret.optional(),
  /** What the link knows this fact by: nothing but that. */
  digest: z.string().max(128).optional(),
});
export type SecretFact = z.infer<typeof secretFact>;
